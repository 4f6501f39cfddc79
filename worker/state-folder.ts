import { existsSync } from 'node:fs';
import { readdir, rmdir, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** The server's database and logs alone need a few megabytes; a server that finds no room for them stops answering. */
const leastFreeBytes = 32 * 2 ** 20;
/** With less the database cannot grow any more. */
const usedUpBytes = 2 ** 18;
const watchMs = 1000;
const megabytes = (bytes: number) => `${Math.floor(bytes / 2 ** 20)} MB`;

/** Refuses a disk without room for a project's state, before anything is made on it. @throws GuardError Storage */
export async function checkRoom(stateDir: string): Promise<void> {
  let place = stateDir;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  if (free >= leastFreeBytes) return;
  throw new GuardError(
    ErrorCode.Storage,
    `${stateDir}: the disk is full: ${megabytes(free)} are free, at least ${megabytes(leastFreeBytes)} are needed. ` +
      'Free some space there, or choose a folder on another disk with --state-dir.',
  );
}

/**
 * Looks after the room that is left while work goes on: without any, a server whose database is there answers nobody,
 * and nothing else would ever fail. `full` rejects with GuardError Storage; a shortage that passes does not count.
 */
export function watchRoom(stateDir: string): { full: Promise<never>; stop: () => void } {
  let short = 0;
  let timer: NodeJS.Timeout | undefined;
  const full = new Promise<never>((_, reject) => {
    timer = setInterval(async () => {
      const room = await statfs(stateDir).catch(() => null);
      short = room && room.bavail * room.bsize < usedUpBytes ? short + 1 : 0;
      if (short < 3) return;
      clearInterval(timer);
      const message =
        `${stateDir}: the disk has become full. Free some space there; the same command then takes the work up where it was. ` +
        'Or choose a folder on another disk with --state-dir.';
      reject(new GuardError(ErrorCode.Storage, message));
    }, watchMs);
  });
  full.catch(() => {}); // Whoever waits for it hears of it.
  return { full, stop: () => clearInterval(timer) };
}

/** Runs `work`; where it fails, a state folder that it made goes again unless a file is in it. */
export async function leavingNoFolders<T>(stateDir: string, work: () => Promise<T>): Promise<T> {
  const existed = existsSync(stateDir);
  try {
    return await work();
  } catch (error) {
    if (!existed) await removeEmpty(stateDir);
    throw error;
  }
}

/** Removes a folder and those in it as far as they are empty. */
async function removeEmpty(folder: string): Promise<void> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries) if (entry.isDirectory()) await removeEmpty(join(folder, entry.name));
    await rmdir(folder);
  } catch {
    // It holds a file, or was never made.
  }
}
