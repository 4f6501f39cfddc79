import { existsSync, lstatSync, mkdirSync, realpathSync, type Stats } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** $XDG_CACHE_HOME/modality-guard, else ~/.cache/modality-guard, else a folder of this user's below the system's temporary one. */
export function cacheFolder(): string {
  const xdg = process.env.XDG_CACHE_HOME;
  if (xdg && isAbsolute(xdg)) return join(xdg, 'modality-guard');
  try {
    const home = homedir();
    if (isAbsolute(home)) return join(home, '.cache', 'modality-guard');
  } catch {
    // A user without a home folder.
  }
  return join(tmpdir(), `modality-guard-${process.getuid?.() ?? userInfo().username}`);
}

/**
 * A folder of the cache, made for this user alone where it is not there. Programs and libraries are run from it: one that others can
 * change is refused. @throws GuardError BadConfig naming what is wrong and what to do
 */
export function privateCache(...names: string[]): string {
  const folder = join(cacheFolder(), ...names);
  try {
    makeFolders(folder);
  } catch (cause) {
    const message = `${folder} cannot be made (${(cause as NodeJS.ErrnoException).code}); set XDG_CACHE_HOME to a folder of yours`;
    throw new GuardError(ErrorCode.Storage, message, { cause });
  }
  const problem = changeableByOthers(folder);
  if (problem === null) return folder;
  throw new GuardError(ErrorCode.BadConfig, `${problem}, and programs are run from ${folder}: ${remedy}`);
}

/** Node's own `recursive` never ends below /proc, where a folder's parent is there and takes no folder. */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(dirname(folder));
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    // Another process made it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

const remedy =
  'make it yours alone (chown, chmod go-w), or set XDG_CACHE_HOME to a folder that no other user can change';

/**
 * Who else can change a file or put another in its place: the sentence names the part of its path. Null: nobody but this user and the
 * administrator, or there is no such file.
 */
export function changeableByOthers(path: string): string | null {
  if (process.platform === 'win32') return null; // The user's profile is private there.
  const real = (() => {
    try {
      return realpathSync(path);
    } catch {
      return resolve(path);
    }
  })();
  // Who owns a link on the way can lead it elsewhere.
  for (const way of new Set([resolve(path), real])) {
    for (let at = way, leaf = true; ; at = dirname(at), leaf = false) {
      const found = lstatSync(at, { throwIfNoEntry: false });
      const problem = found ? problemOf(found, leaf) : null;
      if (problem !== null) return `${at} ${problem}`;
      if (dirname(at) === at) break;
    }
  }
  return null;
}

function problemOf(found: Stats, leaf: boolean): string | null {
  const own = process.getuid!();
  const { gid, mode, uid } = found;
  if (uid !== own && uid !== 0) return `belongs to another user (${uid})`;
  if (found.isSymbolicLink()) return null;
  // In a sticky folder nobody can rename what another user has there.
  if (!leaf && found.isDirectory() && (mode & 0o1000) !== 0) return null;
  if ((mode & 0o002) !== 0) return 'can be changed by every user';
  // Many systems give each user a group of the same number, and its members are that user alone.
  const alone = gid === 0 || (gid === own && gid === process.getgid?.());
  return (mode & 0o020) !== 0 && !alone ? `can be changed by its group (${gid})` : null;
}
