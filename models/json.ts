import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

function notJson(path: string, cause: unknown, code: ErrorCode): GuardError {
  const what = `${path}: cannot be read as JSON (${(cause as Error).message})`;
  return new GuardError(code, what, { cause });
}

/** The content of a JSON file whose text is at hand. Throws GuardError BAD_MODEL, or of `code`, naming the file. */
export function parseJson(text: string, path: string, code: ErrorCode = ErrorCode.BadModel): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notJson(path, cause, code);
  }
}

/** The content of a JSON file. Throws GuardError BAD_MODEL, or of `code`, naming the file. */
export async function readJsonFile(path: string, code: ErrorCode = ErrorCode.BadModel): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw notJson(path, cause, code);
  });
  return parseJson(text, path, code);
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
