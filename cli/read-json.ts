import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { ErrorCode, GuardError, whyUnreadable } from '../schemas/errors.ts';
import { checkPlace } from '../store/index.ts';

/** A JSON file that a program wrote. @throws GuardError BadInput naming the file */
export async function readJson(path: string): Promise<unknown> {
  const fail = (what: string, cause: unknown) =>
    new GuardError(ErrorCode.BadInput, `${path}: ${what}`, { cause });
  await checkPlace(path);
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw fail(whyUnreadable(cause), cause);
  });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw fail(`is no JSON (${(cause as Error).message})`, cause);
  }
}

/** As `readJson`, checked. @throws GuardError BadInput naming file and field */
export async function readJsonOf<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
  what: string,
): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  throw new GuardError(ErrorCode.BadInput, `${path}: is no ${what}:\n${z.prettifyError(parsed.error)}`);
}
