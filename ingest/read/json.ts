import { JSONParser } from '@streamparser/json';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { BadRow, RawRow } from '../raw.ts';
import { linesOf, textOf } from './text.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function asRow(file: string, row: number, value: unknown): RawRow | BadRow {
  if (isObject(value)) return { file, row, values: value };
  return { file, row, field: '', why: `expected an object, found ${JSON.stringify(value)?.slice(0, 60)}` };
}

/** One JSON object a line. Empty lines are passed over; a line that does not parse is a bad row. */
export async function* jsonLines(file: string): AsyncGenerator<RawRow | BadRow> {
  let row = 0;
  for await (const line of linesOf(file)) {
    const text = row === 0 ? line.replace(/^\uFEFF/, '') : line;
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      yield { file, row: row++, field: '', why: `the line is no JSON (${(error as Error).message})` };
      continue;
    }
    yield asRow(file, row++, value);
  }
}

/**
 * The elements of a JSON document under `path` ('$.*': of the outermost array or object, '$.questions.*': of a list in
 * it), without holding the document. An element of an object has its key as `key`.
 * @throws GuardError BadInput where the document does not parse
 */
export async function* jsonElements(
  file: string,
  path: string,
  key?: string,
): AsyncGenerator<RawRow | BadRow> {
  const found: { value: unknown; key: unknown }[] = [];
  const parser = new JSONParser({ paths: [path], keepStack: false });
  parser.onValue = ({ value, key: name }) => void found.push({ value, key: name });
  let row = 0;
  const take = () =>
    found.splice(0).map(({ value, key: name }) => {
      const made = asRow(file, row++, value);
      return key !== undefined && 'values' in made
        ? { ...made, values: { [key]: String(name), ...made.values } }
        : made;
    });
  try {
    for await (const piece of textOf(file)) {
      parser.write(piece);
      yield* take();
    }
    if (!parser.isEnded) throw new Error('the document ends early');
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    throw new GuardError(
      ErrorCode.BadInput,
      `${file}: is no JSON after element ${row} (${(cause as Error).message}); write the file again`,
      { cause },
    );
  }
  yield* take();
}
