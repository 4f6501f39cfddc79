import { lstat, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { externalLocations, withLocations } from '../engine/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { standIn } from './json.ts';

/** A file of more bytes than this is not taken apart. */
const mostBytes = 1_500_000_000;

/** A model's bytes, and the folder below which its data files lie. */
export interface PlacedModel {
  bytes: Uint8Array;
  folder: string;
}

/** Where a link leads that leads nowhere; undefined: it is none. */
export async function deadLink(path: string): Promise<string | undefined> {
  const problem = await stat(path).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  );
  // What lies behind a link may also be there and not be permitted.
  if (problem !== 'ENOENT' && problem !== 'ELOOP' && problem !== 'ENOTDIR') return undefined;
  const entry = await lstat(path).catch(() => null);
  if (!entry?.isSymbolicLink()) return undefined;
  return `${await readlink(path)}${problem === 'ELOOP' ? ' (links in a circle)' : ''}`;
}

/** What is wrong with the data files that a model names; undefined: nothing that can be seen. */
export async function dataProblem(path: string): Promise<string | undefined> {
  const folder = dirname(path);
  const own = await readFile(path).catch(() => new Uint8Array());
  for (const location of own.length > mostBytes ? [] : locationsIn(own)) {
    const file = resolve(folder, location);
    const named = `its data file '${location.slice(0, 200)}'`;
    if (leadsOut(folder, file) || isAbsolute(location))
      return `${named} lies outside the model's folder; put it there, and export the model again`;
    const found = await stat(file).catch(() => null);
    if (!found) return `${named} is missing; download or copy it into the folder of the .onnx file`;
    if (!found.isFile()) return `${named} is a folder or a device; put the file there`;
    const pointer = found.size < 1000 ? standIn(await readFile(file, 'latin1')) : undefined;
    if (pointer !== undefined) return `${named}: ${pointer}`;
  }
  return undefined;
}

async function hasLinks(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.some((entry) => entry.isSymbolicLink());
}

function locationsIn(bytes: Uint8Array): string[] {
  try {
    return externalLocations(bytes);
  } catch {
    // ONNX Runtime says what is wrong with it.
    return [];
  }
}

/**
 * A model whose data files are links, as in the hub's cache, with the files named where they really lie: ONNX Runtime takes
 * none from outside the model's folder. Null where there is nothing to change. A name that itself leads out of the folder is
 * left for ONNX Runtime to refuse. Throws GuardError BAD_MODEL naming a data file that is a link to nothing.
 */
export async function withLinkedData(path: string, bytes?: Uint8Array): Promise<PlacedModel | null> {
  const folder = dirname(path);
  if (!(await hasLinks(folder))) return null;
  if (!bytes && (await stat(path)).size > mostBytes) return null;
  const own = bytes ?? (await readFile(path));
  const real = new Map<string, string>();
  for (const location of locationsIn(own)) {
    const file = resolve(folder, location);
    if (leadsOut(folder, file)) return null;
    const dead = await deadLink(file);
    if (dead !== undefined) {
      const what = `${path}: its data file ${location} is a link to ${dead}, which is not there; download it again, or copy what the link leads to`;
      throw new GuardError(ErrorCode.BadModel, what);
    }
    const found = await realpath(file).catch(() => null);
    if (found) real.set(location, found);
  }
  const from = await realpath(folder);
  if ([...real].every(([location, file]) => file === join(from, location))) return null;
  const common = commonFolder([...real.values()].map(dirname));
  const places = new Map(
    [...real].map(([location, file]) => [location, relative(common, file).replaceAll('\\', '/')]),
  );
  return { bytes: withLocations(own, places), folder: common };
}

function leadsOut(folder: string, file: string): boolean {
  const inside = relative(folder, file);
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside);
}

/** The innermost folder that holds all of them. */
function commonFolder(folders: readonly string[]): string {
  return folders.reduce((common, folder) => {
    let found = common;
    while (leadsOut(found, folder) && dirname(found) !== found) found = dirname(found);
    return found;
  });
}
