import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ErrorCode, GuardError, whyUnreadable } from '../../schemas/errors.ts';
import { isPointer, pointerAdvice } from '../../store/index.ts';
import { adviceFor, markedEncoding } from './encoding.ts';

const badInput = (path: string, what: string, cause?: unknown) =>
  new GuardError(ErrorCode.BadInput, `${path}: ${what}`, { cause });

/** @throws GuardError BadInput where the start shows that the file is not text in the encoding that is asked for */
function checkStart(path: string, bytes: Uint8Array, encoding: string): void {
  if (isPointer(bytes)) throw badInput(path, pointerAdvice);
  if (encoding === 'utf-8' && (bytes[0] === 0 || bytes[1] === 0) && bytes.length > 1) {
    const name = bytes[0] === 0 ? 'utf-16be' : 'utf-16le';
    throw badInput(
      path,
      `cannot be read: it holds zero bytes, as UTF-16 does; give --encoding ${name}, or save it as UTF-8`,
    );
  }
  if (encoding.startsWith('utf') || bytes.every((byte) => byte < 0x80)) return;
  try {
    // A piece may end inside a character.
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return;
  }
  throw badInput(path, `is UTF-8 text, though --encoding says ${encoding}; ingest it without --encoding`);
}

/** The bytes in pieces, of which the first holds four or more where the file does. */
async function* piecesOf(path: string): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path);
  const bytes: Readable = /\.gz$/i.test(path) ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => bytes.destroy(error));
  let held: Uint8Array | undefined = new Uint8Array();
  try {
    for await (const piece of bytes as AsyncIterable<Uint8Array>) {
      if (held === undefined) yield piece;
      else {
        held = Buffer.concat([held, piece]);
        if (held.length < 4) continue;
        yield held;
        held = undefined;
      }
    }
    if (held) yield held;
  } finally {
    file.destroy();
  }
}

/** Japanese mail's encoding: its bytes are ASCII, so that it passes for UTF-8. */
const escapes = ['\u001b$B', '\u001b$@'];

/**
 * A text file's characters in pieces, without a byte order mark, which goes before `encoding`; `.gz` is unpacked.
 * @throws GuardError BadInput where it is not text in that encoding, saying what to do
 */
export async function* textOf(path: string, encoding = 'utf-8'): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let piece: Uint8Array = new Uint8Array();
  try {
    for await (piece of piecesOf(path)) {
      if (!decoder) {
        const marked = markedEncoding(piece);
        if (!marked) checkStart(path, piece, encoding);
        decoder = new TextDecoder(marked ?? encoding, { fatal: true });
      }
      const text = decoder.decode(piece, { stream: true });
      if (decoder.encoding === 'utf-8' && escapes.some((one) => text.includes(one))) {
        throw badInput(
          path,
          'cannot be read: it is in ISO-2022-JP; give --encoding iso-2022-jp, or save it as UTF-8',
        );
      }
      yield text;
    }
    if (decoder) yield decoder.decode();
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    if ((cause as NodeJS.ErrnoException).syscall !== undefined)
      throw badInput(path, whyUnreadable(cause), cause);
    const isCoding = cause instanceof TypeError;
    const reason = isCoding
      ? `it is not ${(decoder?.encoding ?? encoding).toUpperCase()} text`
      : (cause as Error).message;
    const advice = isCoding ? adviceFor(piece) : 'save it again';
    throw badInput(path, `cannot be read (${reason}); ${advice}`, cause);
  }
}

/** The first characters of a text file, as many as are read at once. */
export async function headOf(path: string, encoding?: string): Promise<string> {
  for await (const piece of textOf(path, encoding)) if (piece !== '') return piece.slice(0, 65_536);
  return '';
}

/** The lines of a text file between `end`s, which they lack. A last line without an end counts. */
export async function* linesOf(path: string, encoding?: string, end = '\n'): AsyncGenerator<string> {
  let held: string[] = [];
  for await (const piece of textOf(path, encoding)) {
    let from = 0;
    for (let at = piece.indexOf(end); at >= 0; at = piece.indexOf(end, from)) {
      const line = piece.slice(from, at);
      yield held.length === 0 ? line : held.join('') + line;
      held = [];
      from = at + 1;
    }
    if (from < piece.length) held.push(piece.slice(from));
  }
  if (held.length > 0) yield held.join('');
}
