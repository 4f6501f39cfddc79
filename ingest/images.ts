import { openPicture, pictureKind, pictureKinds } from '../pictures/index.ts';
import type { EncodedImage } from '../schemas/benchmark.ts';
import { imageProblem } from '../store/index.ts';
import { AnyOf, Fault } from './draft.ts';
import type { Finder } from './finder.ts';

const isStruct = (value: unknown): value is { bytes?: unknown; path?: unknown } =>
  typeof value === 'object' && value !== null && !(value instanceof Uint8Array);

/** Base64 as long as no path is; what it holds must begin as a picture does. */
const base64Text = /^[A-Za-z0-9+/\s]{64,}={0,2}\s*$/;

/** Pictures written into the table: "data:image/png;base64,…", or base64 alone. */
function written(text: string): Uint8Array | null {
  const [, data] = /^data:[\w/+.-]+;base64,(.*)$/s.exec(text) ?? [];
  if (data !== undefined) return Buffer.from(data, 'base64');
  const isPicture = base64Text.test(text) && pictureKind(Buffer.from(text.slice(0, 400), 'base64'));
  return isPicture ? Buffer.from(text, 'base64') : null;
}

async function named(names: readonly string[], file: string, finder: Finder): Promise<EncodedImage> {
  const missing: string[] = [];
  for (const path of names) {
    if (path.includes('\0')) throw new Fault('image', 'its path holds a zero character');
    if (/^https?:\/\//i.test(path)) {
      throw new Fault(
        'image',
        `is an address (${path.slice(0, 60)}); nothing is downloaded: fetch it, and name the file`,
      );
    }
    const found = await finder.find(path, file);
    if (found) return { bytes: found.bytes, path };
    if (missing.length === 0) missing.push(await finder.missing(path, file));
  }
  throw new Fault('image', missing[0] ?? 'its path is empty');
}

/**
 * The encoded image of a cell: bytes, a Hugging Face struct {bytes, path}, base64, or a path that is looked up from `file` on.
 * Null where the cell is empty. @throws Fault naming the places where the file was looked for
 */
export async function imageOf(cell: unknown, file: string, finder: Finder): Promise<EncodedImage | null> {
  if (cell === null || cell === undefined) return null;
  if (cell instanceof AnyOf) {
    const found = await named(cell.paths, file, finder);
    return { ...found, path: cell.name ?? found.path };
  }
  if (cell instanceof Uint8Array) return { bytes: cell, path: null };
  if (isStruct(cell)) {
    const path = typeof cell.path === 'string' ? cell.path : null;
    if (cell.bytes instanceof Uint8Array) return { bytes: cell.bytes, path };
    // JSON holds the bytes as base64.
    const bytes = typeof cell.bytes === 'string' ? written(cell.bytes) : null;
    if (bytes) return { bytes, path };
    if (cell.bytes) throw new Fault('image', `its "bytes" are no ${pictureKinds}, nor one in base64`);
    return path === null ? null : imageOf(path, file, finder);
  }
  const text = String(cell).trim();
  // Tables write "nothing" in these ways.
  if (/^(nan|none|null)?$/i.test(text)) return null;
  const bytes = written(text);
  return bytes ? { bytes, path: null } : named([text], file, finder);
}

/** Why the pixels of a picture cannot be had, though its file looks whole. @throws Fault */
export async function checkDecodes({ bytes }: EncodedImage): Promise<void> {
  // A PNG is decoded by the check that follows, and what has no whole frame is named by it.
  if (bytes[0] === 0x89 || imageProblem(bytes)) return;
  // Decoded at a fraction of its size: the compressed data are read to their end all the same.
  await openPicture(bytes)
    .then((picture) => picture.resize(8, 8, { fit: 'fill' }).raw().toBuffer())
    .catch((error: Error) => {
      throw new Fault('image', `it cannot be decoded (${error.message.split('\n')[0]})`);
    });
}
