import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

/**
 * Fills a new folder, which appears whole or not at all. Throws GuardError BAD_INPUT where it exists already, STORAGE
 * where it cannot be written.
 */
export async function wholeFolder(folder: string, fill: (into: string) => Promise<void>): Promise<void> {
  if (await stat(folder).catch(() => null)) {
    throw new GuardError(ErrorCode.BadInput, `${folder}: exists already; remove it or choose another folder`);
  }
  const into = join(dirname(folder), `.${basename(folder)}.${process.pid}.tmp`);
  try {
    await rm(into, { recursive: true, force: true });
    await mkdir(into, { recursive: true });
    await fill(into);
    await rename(into, folder);
  } catch (cause) {
    await rm(into, { recursive: true, force: true });
    if (cause instanceof GuardError) throw cause;
    const what = `${folder}: cannot be written (${(cause as Error).message})`;
    throw new GuardError(ErrorCode.Storage, what, { cause });
  }
}
