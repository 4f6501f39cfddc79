import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

/**
 * A text file's characters in pieces, without a byte order mark; `.gz` is unpacked.
 * @throws GuardError BadInput where it is no UTF-8 text
 */
export async function* textOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const bytes: Readable = /\.gz$/i.test(path) ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => bytes.destroy(error));
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const piece of bytes) yield decoder.decode(piece as Uint8Array, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    const reason = cause instanceof TypeError ? 'it is not UTF-8 text' : (cause as Error).message;
    throw new GuardError(ErrorCode.BadInput, `${path}: cannot be read (${reason}); save it as UTF-8`, {
      cause,
    });
  } finally {
    file.destroy();
  }
}

/** The first characters of a text file, as many as are read at once. */
export async function headOf(path: string): Promise<string> {
  for await (const piece of textOf(path)) if (piece !== '') return piece.slice(0, 65_536);
  return '';
}

/** The lines of a text file, without their ends. A last line without an end counts. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of textOf(path)) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  if (rest !== '') yield rest;
}
