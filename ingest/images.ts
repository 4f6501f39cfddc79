import { readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import sharp from 'sharp';
import type { EncodedImage } from '../schemas/benchmark.ts';
import { imageProblem } from '../store/index.ts';
import { AnyOf, Fault } from './draft.ts';

const isStruct = (value: unknown): value is { bytes?: unknown; path?: unknown } =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array);

/**
 * Where an image that a table names may lie: beside the table, in `images` there, or one folder above, by its whole path or
 * without its first folder; in the folder of images also by its name alone.
 */
function candidates(file: string, name: string, folder: string | undefined): string[] {
  const path = name.replaceAll('\\', '/');
  if (isAbsolute(path)) return [path];
  const shorter = path.split('/').slice(1).join(sep);
  const tails = [path, ...(shorter ? [shorter] : [])];
  const beside = [dirname(file), join(dirname(file), '..'), join(dirname(file), 'images')];
  const under = (base: string) => tails.map((tail) => join(base, tail));
  const named = folder === undefined ? [] : [...under(folder), join(folder, basename(path))];
  return [...new Set([...named, ...beside.flatMap(under)])];
}

/** The first bytes of PNG, JPEG and WebP in base64; a path may begin so, but is not as long. */
const base64Picture = /^(?:iVBORw0KGgo|\/9j\/|UklGR)[A-Za-z0-9+/\s]{53,}=*\s*$/;

/** Pictures written into the table: "data:image/png;base64,…", or base64 alone. */
function written(text: string): Uint8Array | null {
  const [, data] = /^data:[\w/+.-]+;base64,(.*)$/s.exec(text) ?? [];
  const base64 = data ?? (base64Picture.test(text) ? text : undefined);
  return base64 === undefined ? null : Buffer.from(base64, 'base64');
}

async function named(
  names: readonly string[],
  file: string,
  folder: string | undefined,
): Promise<EncodedImage> {
  const places = new Set<string>();
  for (const path of names) {
    if (path.includes('\0')) throw new Fault('image', 'its path holds a zero character');
    if (/^https?:\/\//i.test(path)) {
      throw new Fault(
        'image',
        `is an address (${path.slice(0, 60)}); nothing is downloaded: fetch it, and name the file`,
      );
    }
    for (const place of candidates(file, path, folder)) {
      const bytes = await readFile(place).catch(() => null);
      if (bytes) return { bytes, path };
      places.add(place);
    }
  }
  throw new Fault(
    'image',
    `there is no file ${[...places].slice(0, 4).join(' or ')}; name its folder with --images`,
  );
}

/**
 * The encoded image of a cell: bytes, a Hugging Face struct {bytes, path}, base64, or a path that is looked up beside `file` and
 * in `folder`. Null where the cell is empty. @throws Fault naming the places where the file was looked for
 */
export async function imageOf(
  cell: unknown,
  file: string,
  folder: string | undefined,
): Promise<EncodedImage | null> {
  if (cell === null || cell === undefined) return null;
  if (cell instanceof AnyOf) {
    const found = await named(cell.paths, file, folder);
    return { ...found, path: cell.name ?? found.path };
  }
  if (cell instanceof Uint8Array) return { bytes: cell, path: null };
  if (isStruct(cell)) {
    const path = typeof cell.path === 'string' ? cell.path : null;
    if (cell.bytes instanceof Uint8Array) return { bytes: cell.bytes, path };
    // JSON holds the bytes as base64.
    const bytes = typeof cell.bytes === 'string' ? written(cell.bytes) : null;
    if (bytes) return { bytes, path };
    if (cell.bytes) throw new Fault('image', 'its "bytes" are no PNG, JPEG or WebP, nor one in base64');
    return path === null ? null : imageOf(path, file, folder);
  }
  const text = String(cell).trim();
  // Tables write "nothing" in these ways.
  if (/^(nan|none|null)?$/i.test(text)) return null;
  const bytes = written(text);
  return bytes ? { bytes, path: null } : named([text], file, folder);
}

/** Why the pixels of a picture cannot be had, though its file looks whole. @throws Fault */
export async function checkDecodes({ bytes }: EncodedImage): Promise<void> {
  // A PNG is decoded by the check that follows, and what has no whole frame is named by it.
  if (bytes[0] === 0x89 || imageProblem(bytes)) return;
  // Decoded at a fraction of its size: the compressed data are read to their end all the same.
  await sharp(bytes)
    .resize(8, 8, { fit: 'fill' })
    .raw()
    .toBuffer()
    .catch((error: Error) => {
      throw new Fault('image', `it cannot be decoded (${error.message.split('\n')[0]})`);
    });
}
