import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { splitOfText } from '../splits.ts';

/** Beyond so many characters a table by columns, which has to be held as a whole, is not read. */
const mostCharacters = 2 ** 26;

type Row = Record<string, unknown>;

const isObject = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a document begins like a table by columns: {"question": {"0": …, or {"question": ["…. */
export const mayBeByColumns = (head: string) =>
  /^\{\s*"(?!\d+")[^"]*"\s*:\s*(?:\{\s*"-?\d+"\s*:|\[\s*[^\s{\]])/.test(head);

/** {"columns": [..], "data": [[..]]}, as pandas writes it with orient="split". */
function split({ columns, data, index: _, ...others }: Row): Row[] | undefined {
  if (!Array.isArray(columns) || !Array.isArray(data) || Object.keys(others).length > 0) return undefined;
  if (!data.every((cells) => Array.isArray(cells) && cells.length === columns.length)) return undefined;
  return data.map((cells) => Object.fromEntries(columns.map((name, i) => [String(name), cells[i]])));
}

/**
 * The rows of a document that holds a column by each name: objects with the same keys, as pandas writes them by default, or lists of
 * one length. Undefined: it is no such table.
 */
function byColumns(document: unknown): Row[] | undefined {
  if (!isObject(document)) return undefined;
  const names = Object.keys(document);
  // {"train": […], "test": […]} are parts of a set.
  if (names.length < 2 || names.every((name) => splitOfText(name) !== undefined)) return undefined;
  const columns = Object.values(document);
  if (columns.every(isObject)) {
    const keys = Object.keys(columns[0]!);
    const isWhole = (column: Row) =>
      Object.keys(column).length === keys.length && keys.every((key) => key in column);
    if (!columns.every(isWhole)) return undefined;
    return keys.map((key) => Object.fromEntries(names.map((name, i) => [name, columns[i]![key]])));
  }
  if (!columns.every((column) => Array.isArray(column))) return undefined;
  const lists = columns as unknown[][];
  if (lists.some(({ length }) => length !== lists[0]!.length)) return undefined;
  if (lists.every((list) => list.every(isObject))) return undefined;
  return lists[0]!.map((_, row) => Object.fromEntries(names.map((name, i) => [name, lists[i]![row]])));
}

/**
 * The rows of a JSON document that is a table by columns; undefined: it is none.
 * @throws GuardError BadInput where it is too large to be held
 */
export async function rowsByColumns(file: string, pieces: AsyncIterable<string>): Promise<Row[] | undefined> {
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    if (text.length <= mostCharacters) continue;
    const what = `is a table by columns of more than ${mostCharacters / 2 ** 20} million characters, which is read by rows alone; write it again with to_json(path, orient="records", lines=True)`;
    throw new GuardError(ErrorCode.BadInput, `${file}: ${what}`);
  }
  try {
    const document: unknown = JSON.parse(text);
    return (isObject(document) ? split(document) : undefined) ?? byColumns(document);
  } catch {
    // Whoever reads its elements says where it is broken.
    return undefined;
  }
}
