import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { stateFolder } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { readJson } from './read-json.ts';

/** Which files a command takes: the same words name them everywhere, a path, a folder or a workflow's id. */
interface Wanted {
  /** The file's name in the folder of its run. */
  file: string;
  /** What it is for people: "a diagnosis". */
  called: string;
  /** Which command writes it into a folder. */
  writtenBy: string;
  /** Types of the workflows whose files they are: the first part of their ids. */
  types: readonly string[];
}

export const diagnosisFile: Wanted = {
  file: 'report.json',
  called: 'diagnosis',
  writtenBy: 'diagnose --out',
  types: ['diagnose'],
};
/** A run's report has two diagnoses. */
export const reportFile: Wanted = { ...diagnosisFile, called: 'report', types: ['diagnose', 'robustify'] };
export const pilotFile: Wanted = {
  file: 'pilot.json',
  called: 'pilot',
  writtenBy: 'pilot',
  types: ['pilot', 'robustify'],
};

const runsIn = (stateDir: string | undefined) => join(resolve(stateDir ?? stateFolder), 'runs');

/** JSON files of the runs of a project that have what they say of themselves; others are passed over. */
export async function filesOfRuns(stateDir?: string): Promise<{ path: string; value: object }[]> {
  const runs = runsIn(stateDir);
  const names = await readdir(runs, { recursive: true }).catch(() => []);
  const read = names
    .filter((name) => name.endsWith('.json'))
    .map(async (name) => {
      const path = join(runs, name);
      const value = await readJson(path).catch(() => null);
      return typeof value === 'object' && value !== null ? [{ path, value }] : [];
    });
  return (await Promise.all(read)).flat();
}

/** The id of the workflow whose file this is; a pilot's says it by its folder alone. */
function idOf({ path, value }: { path: string; value: object }, { types }: Wanted): string | null {
  const { workflowId } = value as { workflowId?: unknown };
  if (typeof workflowId === 'string') return workflowId;
  const folder = basename(dirname(path));
  const type = types.find((one) => folder.startsWith(`${one}_`));
  return type === undefined ? null : folder;
}

const asFolder = (id: string) => id.replaceAll(/[^\w.-]+/g, '_');

/**
 * The file that somebody means: by its path, by a folder that holds it, or by the id of a workflow of the project.
 * @throws GuardError BadInput saying what there is
 */
export async function findFile(what: string, wanted: Wanted, stateDir?: string): Promise<string> {
  const { called, file, types, writtenBy } = wanted;
  if (existsSync(resolve(what))) {
    if (!statSync(what).isDirectory()) return resolve(what);
    const inside = join(resolve(what), file);
    if (existsSync(inside)) return inside;
    throw new GuardError(
      ErrorCode.BadInput,
      `${what}: the folder has no ${file}; name one that "${writtenBy}" wrote`,
    );
  }
  const found: { id: string; path: string; at: string }[] = [];
  for (const one of await filesOfRuns(stateDir)) {
    const id = idOf(one, wanted);
    if (id === null || !types.some((type) => id.startsWith(type))) continue;
    if (file === 'pilot.json' && basename(one.path) !== file) continue;
    const { createdAt } = one.value as { createdAt?: unknown };
    found.push({ id, path: one.path, at: typeof createdAt === 'string' ? createdAt : '' });
  }
  const newest = found
    .filter(({ id }) => id === what || id === asFolder(what))
    .sort((a, b) => b.at.localeCompare(a.at))[0];
  if (newest) return newest.path;
  const known = [...new Set(found.map(({ id }) => id))].sort().join(', ') || 'none';
  throw new GuardError(
    ErrorCode.BadInput,
    `${what}: there is no such file or folder, and no such ${called} in ${runsIn(stateDir)} (there are: ${known})`,
  );
}
