import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { isAlive } from './processes.ts';

const pollMs = 100;
/** Longer than it takes to write a process id. */
const writingMs = 10_000;

/** Runs `work` while no other command looks for, or starts, the server of this folder. */
export async function withStartLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = join(folder, 'starting.lock');
  while (!(await take(lock))) {
    if (await isStale(lock)) await rm(lock, { force: true });
    else await sleep(pollMs);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // On a full disk the file is there, but nothing is in it.
    await rm(lock, { force: true }).catch(() => {});
    const message = `${lock} cannot be written (${code}). Free some space, make the folder writable, or choose another with --state-dir.`;
    throw new GuardError(ErrorCode.Storage, message, { cause: error });
  }
}

async function isStale(lock: string): Promise<boolean> {
  try {
    const owner = Number((await readFile(lock, 'utf8')).trim());
    if (owner > 0) return !isAlive(owner);
    // Its owner died, or found no room, between making the file and writing into it.
    return Date.now() - (await stat(lock)).mtimeMs > writingMs;
  } catch {
    return false;
  }
}
