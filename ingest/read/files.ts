import { open, readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { ErrorCode, GuardError, whyUnreadable } from '../../schemas/errors.ts';

const unread = (path: string, cause: unknown) =>
  new GuardError(ErrorCode.BadInput, `${path}: ${whyUnreadable(cause)}`, { cause });

/** What archives and systems leave behind. */
const hidden = (part: string) => part.startsWith('.') || part === '__MACOSX';

/** The files below a folder, sorted, also by links (as Hugging Face's cache has them); hidden ones are passed over. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause) => {
    throw unread((cause as NodeJS.ErrnoException).path ?? folder, cause);
  });
  const isFile = async (entry: (typeof entries)[number], path: string) =>
    entry.isFile() || (entry.isSymbolicLink() && (await stat(path).catch(() => null))?.isFile() === true);
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (relative(folder, path).split(sep).some(hidden)) continue;
    if (await isFile(entry, path)) found.push(path);
  }
  return found.sort();
}

/** The first bytes of a file, up to `count`. */
export async function startOf(path: string, count = 64): Promise<Uint8Array> {
  const handle = await open(path).catch((cause) => {
    throw unread(path, cause);
  });
  try {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(count), 0, count, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
