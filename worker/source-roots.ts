import { appendFile, readFile, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { DiagnoseRequest, TrainRequest } from '../schemas/workflow.ts';
import type { LoadedConfig } from './config.ts';
import { packageFolder } from './package-folder.ts';

/** In the state folder, which is this user's: what commands of the project named, a path in JSON a line. */
const listName = 'sources.jsonl';

/**
 * Notes the folders that a command names, so that workers of this project read them: a request alone proves nothing, for whoever
 * reaches the server can make one.
 */
export async function allowSources(stateDir: string, folders: readonly string[]): Promise<void> {
  const known = new Set(await noted(stateDir));
  const fresh = [...new Set(folders.map((folder) => resolve(folder)))].filter((folder) => !known.has(folder));
  if (fresh.length === 0) return;
  const lines = fresh.map((folder) => `${JSON.stringify(folder)}\n`).join('');
  await appendFile(join(stateDir, listName), lines, { mode: 0o600 });
}

async function noted(stateDir: string): Promise<string[]> {
  const text = await readFile(join(stateDir, listName), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as string];
    } catch {
      return []; // The end of a file that was cut off.
    }
  });
}

/** The folders that a request has read. */
export function sourcesOf(request: DiagnoseRequest & Pick<TrainRequest, 'mix'>): string[] {
  const { data, mix, source } = request;
  return [
    ...('folder' in source ? [source.folder] : []),
    ...(data.artifact ? [] : [data.folder]),
    ...(mix && !mix.artifact ? [mix.folder] : []),
  ];
}

/**
 * What a worker reads for requests: the project's folder, its state, what the configuration names, `sources.roots`, what comes with the
 * package, and what commands of the project named. @returns throws GuardError SOURCE_REFUSED for any other folder
 */
export function sourceCheck(
  { data, file, model, sources }: Pick<LoadedConfig, 'data' | 'file' | 'model' | 'sources'>,
  { project, stateDir }: { project: string; stateDir: string },
): (folder: string) => Promise<void> {
  const base = dirname(file);
  const roots = [
    project,
    stateDir,
    packageFolder(),
    model.folder,
    data.folder,
    ...(base === packageFolder() ? [] : [base]),
    ...sources.roots.map((root) => resolve(base, root)),
  ];
  return async (folder) => {
    const place = await real(folder);
    for (const root of [...roots, ...(await noted(stateDir))]) if (isWithin(place, await real(root))) return;
    throw new GuardError(
      ErrorCode.SourceRefused,
      `${folder}: this worker does not read there for a request that no command of its project made; ` +
        `if it is to, name the folder in "sources.roots" of ${file}`,
    );
  };
}

const real = (path: string) => realpath(path).catch(() => resolve(path));

function isWithin(place: string, root: string): boolean {
  const way = relative(root, place);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && resolve(root, way) === place);
}
