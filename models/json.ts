import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { ErrorCode, GuardError, whyUnreadable } from '../schemas/errors.ts';

function notJson(path: string, cause: unknown, code: ErrorCode, text = ''): GuardError {
  const stands = standIn(text);
  const what = `${path}: cannot be read as JSON (${stands ?? (cause as Error).message})`;
  return new GuardError(code, what, { cause });
}

/** What a small file is that stands for one that was not copied; undefined: it is none of these. */
export function standIn(text: string): string | undefined {
  if (text.startsWith('version https://git-lfs'))
    return 'it is a pointer of Git LFS; run `git lfs pull` in that folder';
  if (/^(?:\.\.\/)+blobs\/\S+\s*$/.test(text))
    return 'it holds where a link of the hub cache led; copy the folder with what its links lead to (`cp -rL`)';
  return undefined;
}

/** Text by its byte order mark, which is left out: UTF-8, also without one, or UTF-16. */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const utf16 = first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff;
  return new TextDecoder(utf16 === true ? 'utf-16be' : utf16 || 'utf-8').decode(bytes);
}

/** JSON as Python writes it: a byte order mark is passed over, and `NaN` and `Infinity`, which JSON does not know, are null. Throws SyntaxError. */
export function parseLenient(text: string): unknown {
  const bare = text.replace(/^\uFEFF/, '');
  try {
    return JSON.parse(bare);
  } catch (cause) {
    const numbers = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;
    const known = bare.replace(numbers, (match) => (match.startsWith('"') ? match : 'null'));
    if (known === bare) throw cause;
    return JSON.parse(known);
  }
}

/**
 * The content of a JSON file whose bytes or text are at hand, as `parseLenient` reads it. Throws GuardError BAD_MODEL, or
 * of `code`, naming the file.
 */
export function parseJson(
  content: string | Uint8Array,
  path: string,
  code: ErrorCode = ErrorCode.BadModel,
): unknown {
  const text = typeof content === 'string' ? content : decodeText(content);
  try {
    return parseLenient(text);
  } catch (cause) {
    throw notJson(path, cause, code, text);
  }
}

/** The bytes of a file. Throws of what is none: a pipe or a device would be read for ever. */
export async function readRegular(path: string): Promise<Uint8Array> {
  const found = await stat(path);
  if (!found.isFile() && !found.isDirectory()) throw new Error('it is a pipe or a device, not a file');
  return readFile(path);
}

/** The content of a JSON file. Throws GuardError BAD_MODEL, or of `code`, naming the file. */
export async function readJsonFile(path: string, code: ErrorCode = ErrorCode.BadModel): Promise<unknown> {
  const bytes = await readRegular(path).catch((cause: unknown) => {
    throw new GuardError(code, `${path}: ${whyUnreadable(cause)}`, { cause });
  });
  return parseJson(bytes, path, code);
}

/**
 * JSON that was read from `path`, checked. Throws GuardError BAD_MODEL, or of `code`, naming file and key; `supported` says what
 * would be right.
 */
export function checked<T>(
  schema: z.ZodType<T>,
  json: unknown,
  path: string,
  { code = ErrorCode.BadModel, supported }: { code?: ErrorCode; supported?: string } = {},
): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const what = supported === undefined ? '' : `supported is ${supported}; `;
  throw new GuardError(code, `${path}: ${what}${z.prettifyError(result.error)}`, { cause: result.error });
}
