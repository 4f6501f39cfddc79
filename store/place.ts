import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/** Folders that the system makes up; what lies in /dev/shm is memory used as a disk. */
const madeUp = /^\/(proc|sys|dev(?!\/shm(?:\/|$)))(\/|$)/;

/**
 * Looks at a path that a person named before anything opens it: a pipe may wait for ever, a device may never end, and what the system
 * makes up under /proc is no file. What is not there is left to whoever opens it. @throws GuardError BadInput naming the path
 */
export async function checkPlace(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  const kind = found?.isFIFO()
    ? 'a pipe'
    : found?.isSocket()
      ? 'a socket'
      : found?.isCharacterDevice() || found?.isBlockDevice()
        ? 'a device'
        : null;
  if (kind !== null) throw refusal(path, `it is ${kind}`);
  const [folder] = madeUp.exec(`${await realPlace(resolve(path))}`) ?? [];
  if (folder !== undefined)
    throw refusal(path, `it lies in ${folder.replace(/\/$/, '')}, which the system makes up`);
}

function refusal(path: string, why: string): GuardError {
  return new GuardError(
    ErrorCode.BadInput,
    `${path}: ${why}, and a file or folder on a disk is expected; write what it gives into a file, and name that`,
  );
}

/** Where a path leads, also one whose last parts are not there yet. */
async function realPlace(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    const real = await realpath(at).catch(() => null);
    if (real !== null || dirname(at) === at) return real ?? path;
  }
}
