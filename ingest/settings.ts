import { readFile } from 'node:fs/promises';
import { parse, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { ErrorCode, GuardError, whyUnreadable } from '../schemas/errors.ts';
import { checkPlace } from '../store/index.ts';

/** Deeper references than a person writes: a file of few bytes must not unfold into gigabytes. */
const aliases = 100;

/** A mistyped key is told from the right one by seeing it. */
const withKnownKeys: z.core.$ZodErrorMap = ({ code, inst, keys }) =>
  code === 'unrecognized_keys' && inst instanceof z.ZodObject
    ? `Unrecognized key: ${(keys as string[]).map((key) => JSON.stringify(key)).join(', ')}; expected ${Object.keys(inst.shape).join(', ')}`
    : undefined;

/** A file that people write, YAML or JSON, checked. @throws GuardError BadConfig naming file and key */
export async function readSettings<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<z.output<Schema>> {
  const fail = (what: string, cause?: unknown) =>
    new GuardError(ErrorCode.BadConfig, `${path}: ${what}`, { cause });
  await checkPlace(path);
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw fail(whyUnreadable(cause), cause);
  });
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: aliases, logLevel: 'error' });
  } catch (cause) {
    const where = cause instanceof YAMLParseError && cause.linePos ? `, line ${cause.linePos[0].line}` : '';
    throw fail(
      `is no YAML or JSON${where} (${(cause as Error).message.split('\n')[0]?.replace(/:$/, '')})`,
      cause,
    );
  }
  const checked = schema.safeParse(value, { error: withKnownKeys });
  if (checked.success) return checked.data;
  throw fail(`has wrong values:\n${z.prettifyError(checked.error)}`);
}
