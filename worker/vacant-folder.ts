import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/** @throws GuardError BadInput unless the folder is empty or not there yet */
export async function checkVacant(folder: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return;
    const message = `${folder}: is no folder that can be read (${codeOf(cause)}); name a new one`;
    throw new GuardError(ErrorCode.BadInput, message, { cause });
  }
  if (names.length === 0) return;
  throw new GuardError(ErrorCode.BadInput, `${folder}: the folder is not empty; name a new one`);
}

/**
 * Fills a folder that is empty or not there yet; it appears whole or not at all.
 * @throws GuardError BadInput where something is there, Storage where it cannot be written; and what `fill` throws
 */
export async function fillVacant<T>(folder: string, fill: (into: string) => Promise<T>): Promise<T> {
  const into = join(dirname(folder), `.${basename(folder)}.${process.pid}.tmp`);
  try {
    await checkVacant(folder);
    await mkdir(into, { recursive: true });
    const result = await fill(into);
    // Never more than an empty folder: somebody may have filled it meanwhile.
    await rmdir(folder).catch(() => {});
    await rename(into, folder);
    return result;
  } catch (cause) {
    if (cause instanceof GuardError || codeOf(cause) === undefined) throw cause;
    const message = `${folder}: cannot be written (${codeOf(cause)}); free some space or name another`;
    throw new GuardError(ErrorCode.Storage, message, { cause });
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}
