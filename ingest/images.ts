import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep } from 'node:path';
import type { EncodedImage } from '../schemas/benchmark.ts';
import { Fault } from './draft.ts';

const isStruct = (value: unknown): value is { bytes?: unknown; path?: unknown } =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array);

/** Where an image that a table names may lie: beside the table or one folder above, whole path or without its first folder. */
function candidates(file: string, path: string, folder: string | undefined): string[] {
  if (isAbsolute(path)) return [path];
  const shorter = path.split(/[\\/]/).slice(1).join(sep);
  const bases = [...(folder === undefined ? [] : [folder]), dirname(file), join(dirname(file), '..')];
  return bases.flatMap((base) => [path, ...(shorter ? [shorter] : [])].map((tail) => join(base, tail)));
}

/**
 * The encoded image of a cell: bytes, a Hugging Face struct {bytes, path}, or a path that is looked up beside `file` and
 * in `folder`. Null where the cell is empty. @throws Fault naming the places where the file was looked for
 */
export async function imageOf(
  cell: unknown,
  file: string,
  folder: string | undefined,
): Promise<EncodedImage | null> {
  if (cell === null || cell === undefined || cell === '') return null;
  if (cell instanceof Uint8Array) return { bytes: cell, path: null };
  if (isStruct(cell)) {
    const path = typeof cell.path === 'string' ? cell.path : null;
    if (cell.bytes instanceof Uint8Array) return { bytes: cell.bytes, path };
    if (path === null) return null;
    return imageOf(path, file, folder);
  }
  const path = String(cell);
  if (path.includes('\0')) throw new Fault('image', 'its path holds a zero character');
  const places = candidates(file, path, folder);
  for (const place of places) {
    const bytes = await readFile(place).catch(() => null);
    if (bytes) return { bytes, path };
  }
  throw new Fault(
    'image',
    `there is no file ${places.slice(0, 4).join(' or ')}; name its folder with --images`,
  );
}
