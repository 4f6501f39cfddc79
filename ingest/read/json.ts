import { JSONParser } from '@streamparser/json';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { BadRow, RawRow } from '../raw.ts';
import { splitOfText } from '../splits.ts';
import { mayBeByColumns, rowsByColumns } from './columns.ts';
import { listsIn } from './lists.ts';
import { NumberRepair, repairedText } from './numbers.ts';
import { headOf, linesOf, textOf } from './text.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function asRow(file: string, row: number, value: unknown): RawRow | BadRow {
  if (isObject(value)) return { file, row, values: value };
  const advice = Array.isArray(value)
    ? '; write a table as a list of objects (pandas: orient="records")'
    : '';
  return {
    file,
    row,
    field: '',
    why: `expected an object, found ${JSON.stringify(value)?.slice(0, 60)}${advice}`,
  };
}

/** One JSON object a line. Empty lines are passed over; a line that does not parse is a bad row. */
async function* jsonLines(file: string, encoding?: string): AsyncGenerator<RawRow | BadRow> {
  let row = 0;
  for await (const text of linesOf(file, encoding)) {
    if (text.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(repairedText(text));
    } catch (error) {
      yield { file, row: row++, field: '', why: `the line is no JSON (${(error as Error).message})` };
      continue;
    }
    yield asRow(file, row++, value);
  }
}

async function* repaired(file: string, encoding?: string): AsyncGenerator<string> {
  const repair = new NumberRepair();
  for await (const piece of textOf(file, encoding)) yield repair.piece(piece);
  yield repair.end();
}

/** The records of a list that an object holds by name, such as {"train": [..], "test": [..]}; anything else is one by itself. */
function listed(value: unknown, name: unknown): unknown[] {
  if (typeof name === 'string' && Array.isArray(value) && value.length === 0) return [];
  if (typeof name !== 'string' || !Array.isArray(value) || !value.some(isObject)) return [value];
  const split = splitOfText(name) === undefined ? {} : { split: name };
  return value.map((one) => (isObject(one) ? { ...split, ...one } : one));
}

/**
 * The elements of a JSON document under `path` ('$.*': of the outermost array or object, '$.questions.*': of a list in
 * it), without holding the document; what is in a list called by a split is in that split. An element of an object has its key as `key`.
 * @throws GuardError BadInput where the document does not parse
 */
async function* jsonElements(
  file: string,
  paths: string[],
  { encoding, key }: { encoding?: string; key?: string },
): AsyncGenerator<RawRow | BadRow> {
  const found: { value: unknown; key: unknown }[] = [];
  const parser = new JSONParser({ paths, keepStack: false });
  parser.onValue = ({ value, key: name, stack }) => {
    const list = stack[1]?.key;
    if (typeof list === 'string' && isObject(value)) found.push({ value: [value], key: list });
    else found.push({ value, key: name });
  };
  let row = 0;
  const made = (value: unknown, name: unknown) => {
    const one = asRow(file, row++, value);
    return key !== undefined && 'values' in one
      ? { ...one, values: { [key]: String(name), ...one.values } }
      : one;
  };
  const take = () =>
    found.splice(0).flatMap(({ value, key: name }) => listed(value, name).map((one) => made(one, name)));
  try {
    for await (const piece of repaired(file, encoding)) {
      if (piece !== '') parser.write(piece);
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

/** Keys under which documents hold their records. */
const listKeys = ['questions', 'data', 'rows', 'samples', 'examples', 'items', 'records', 'annotations'];
const listKey = new RegExp(`"(${listKeys.join('|')})"\\s*:\\s*\\[`);

const longLine = 10_000;

/** Whether a text has an object a line, or is one line that is a record: its first field is no object or list. */
function isLines(head: string, hasList: boolean): boolean {
  const [first = '', second = ''] = head.split('\n');
  // A line with a picture in it is longer than what is looked at.
  const isCut = first === head && head.length > longLine;
  if (!first.startsWith('{') || !(isCut || first.trimEnd().endsWith('}'))) return false;
  return second.startsWith('{') || (!hasList && second === '' && /^\{\s*"[^"]*"\s*:\s*[^{[\s]/.test(first));
}

export interface JsonForm {
  /** Name of the list in the document that holds the records. */
  list?: string;
  /** Field for the elements' keys. */
  key?: string;
  encoding?: string;
}

const isDocument = (file: string) => /\.json(\.gz)?$/i.test(file);

/** Lists of a document that hold its records; none: its outermost elements are the records. */
interface Lists {
  read: string[];
  /** Lists of objects that are passed over, and how many each holds. */
  others: [string, number][];
}

async function recordLists(file: string, { encoding, key, list }: JsonForm): Promise<Lists> {
  if (list !== undefined) return { read: [list], others: [] };
  if (key !== undefined) return { read: [], others: [] };
  const found = [...(await listsIn(file, encoding))];
  const isRead = ([name]: [string, number]) => listKeys.includes(name) || splitOfText(name) !== undefined;
  // Where no list has a usual name all elements are read, lists or not.
  if (!found.some(([name]) => listKeys.includes(name))) return { read: [], others: [] };
  return {
    read: found.filter(isRead).map(([name]) => name),
    others: found.filter((one) => !isRead(one)),
  };
}

/** Whether a file is a list, lines or a document that holds records by name. */
async function kindOf(
  file: string,
  { encoding, key, list }: JsonForm,
): Promise<'list' | 'lines' | 'document'> {
  const head = (await headOf(file, encoding)).trimStart();
  const isList = isDocument(file) ? head.startsWith('[') : /^\[\s*\{/.test(head);
  if (isList) return 'list';
  const hasList = list !== undefined || (key === undefined && listKey.test(head));
  return isLines(head, hasList) || !isDocument(file) ? 'lines' : 'document';
}

/** What a person should know of records in a JSON file that are passed over. */
export async function passedOver(file: string, form: JsonForm): Promise<string[]> {
  if ((await kindOf(file, form)) !== 'document') return [];
  const { others, read } = await recordLists(file, form);
  const shown = others.map(([name, count]) => `"${name}" (${count})`).join(', ');
  if (shown === '') return [];
  return [`the records are read from ${read.map((name) => `"${name}"`).join(', ')}; not from ${shown}`];
}

/** The rows of a document that is a table by columns; undefined: it is none. */
async function tableRows(file: string, { encoding, key, list }: JsonForm) {
  if (key !== undefined || list !== undefined) return undefined;
  if (!mayBeByColumns((await headOf(file, encoding)).trimStart())) return undefined;
  return rowsByColumns(file, repaired(file, encoding));
}

/** The records of a JSON file: lines, the elements of a document's lists or object, or the rows of a table by columns. */
export async function* jsonRows(file: string, form: JsonForm = {}): AsyncGenerator<RawRow | BadRow> {
  const { encoding } = form;
  const kind = await kindOf(file, form);
  const table = kind === 'document' ? await tableRows(file, form) : undefined;
  if (table) {
    for (const [row, values] of table.entries()) yield { file, row, values };
    return;
  }
  if (kind === 'lines') yield* jsonLines(file, encoding);
  else if (kind === 'list') yield* jsonElements(file, ['$.*'], encoding === undefined ? {} : { encoding });
  else {
    const { read } = await recordLists(file, form);
    const paths = read.length === 0 ? ['$.*'] : read.map((name) => `$.${name}.*`);
    yield* jsonElements(file, paths, form);
  }
}
