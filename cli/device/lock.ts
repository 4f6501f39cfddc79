import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskProblem } from '../../cache/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

/** Runs `work` while no other command changes what the lock is for. Throws GuardError UNAVAILABLE where one does. */
export async function withLock<T>(lock: string, work: () => Promise<T>): Promise<T> {
  await take(lock);
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function take(lock: string): Promise<void> {
  try {
    await mkdir(dirname(lock), { recursive: true });
    await writeFile(lock, `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw diskProblem(error, lock) ?? error;
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (owner > 0 && isAlive(owner)) {
      const what = `process ${owner} installs or removes CUDA libraries at this moment (${lock}): wait for its end`;
      throw new GuardError(ErrorCode.Unavailable, what);
    }
    // Whoever made it was killed.
    await rm(lock, { force: true });
    await take(lock);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
