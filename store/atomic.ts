import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asStorageError, errno } from './storage-errors.ts';

/** Appends bytes to the file under way; they may be reused once the promise resolves. */
export type Write = (bytes: Uint8Array) => Promise<void>;
export type Fill = (write: Write) => Promise<void>;

export interface Written {
  /** SHA-256 of the bytes written, 64 hex digits. */
  hex: string;
  bytes: number;
}

/** Writes a new file, flushes it to the disk and hashes it on the way. On failure the file is removed again. */
export async function writeNew(path: string, fill: Fill, mode = 0o644): Promise<Written> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const handle = await open(path, 'wx', mode);
    try {
      await fill(async (chunk) => {
        hash.update(chunk);
        bytes += chunk.byteLength;
        // FileHandle.write may write less than it was given.
        for (let done = 0; done < chunk.byteLength; ) {
          done += (await handle.write(chunk, done, chunk.byteLength - done)).bytesWritten;
        }
      });
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw asStorageError(error, 'write', path);
  }
  return { hex: hash.digest('hex'), bytes };
}

/** Makes a folder and those above it. @throws GuardError Storage */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    // On a read-only disk the recursive form says ENOENT; the plain one, on the topmost folder, says why.
    const cause = errno(error) === 'ENOENT' ? await refusalToMake(path) : undefined;
    throw asStorageError(cause ?? error, 'make the folder', path);
  }
}

async function refusalToMake(path: string): Promise<unknown> {
  try {
    await mkdir(path);
    return undefined;
  } catch (error) {
    return errno(error) === 'ENOENT' && dirname(path) !== path ? refusalToMake(dirname(path)) : error;
  }
}

/** Makes a rename durable. Some platforms cannot sync a folder; there it is left to the file system. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'EBADF'].includes(errno(error) ?? '')) {
      throw asStorageError(error, 'write', folder);
    }
  }
}

/** Writes a file under a temporary name beside `path` and renames it: readers see the old file or the new one. */
export async function writeAtomically(path: string, fill: Fill, mode = 0o644): Promise<Written> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await makeFolder(folder);
    const written = await writeNew(temporary, fill, mode);
    await rename(temporary, path);
    await syncFolder(folder);
    return written;
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asStorageError(error, 'write', path);
  }
}
