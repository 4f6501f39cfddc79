import { CellReader, cleanCells, type Dialect } from './cells.ts';

/** The parts of a line between delimiters that no space follows: prose has spaces behind its commas. */
function partsOf(line: string, { delimiter, trimmed }: Dialect): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let at = line.indexOf(delimiter); at >= 0; at = line.indexOf(delimiter, at + 1)) {
    if (!trimmed && line[at + 1] === ' ') continue;
    parts.push(line.slice(from, at));
    from = at + 1;
  }
  return [...parts, line.slice(from)];
}

type Kind = 'number' | 'letter' | 'text' | 'empty';

function kindOf(cell: string): Kind {
  const text = cell.trim();
  if (text === '') return 'empty';
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)%?$/.test(text)) return 'number';
  return /^\(?[a-z][).]?$/i.test(text) ? 'letter' : 'text';
}

/** Cells of one column are numbers, letters or texts; an empty one may be any. */
function isLike(cell: string, model: string): boolean {
  const [one, other] = [kindOf(cell), kindOf(model)];
  return one === other || one === 'empty' || other === 'empty';
}

/** Of the cells of lines that are records so many look like those of the columns that are known. */
const likeEnough = 0.7;

/**
 * Whether lines that a quote in the first of them makes one record are rather a record each, the quotes in the first and the last
 * being signs like others: each has as many cells as a record, and they look like the cells around the quotes, which belong to records
 * either way (numbers in a column of numbers, letters in one of letters).
 * @param lines of which the last closes the quote, so that the record has `width` cells
 */
export function areRecords(lines: readonly string[], width: number, dialect: Dialect): boolean {
  if (width < 2) return false;
  const opening = new CellReader(dialect);
  opening.feed(lines[0] as string);
  const before = opening.cells;
  const begun = partsOf(opening.begun, dialect);
  const closing = new CellReader(dialect);
  closing.feed(`"${lines.at(-1)}`);
  const [inside = '', ...behind] = closing.cells;
  const ended = partsOf(inside, dialect);
  const between = lines.slice(1, -1).map((line) => cleanCells(line, dialect));
  if (!between.every((cells) => cells?.length === width)) return false;
  // A cell whose quote does not close may hold delimiters; the last line is a record as it is.
  if (before.length + begun.length < width || ended.length + behind.length !== width) return false;
  const counts = [begun.length, ...between.map((cells) => cells!.length), ended.length];
  const isTable = begun.length > 1 && lines.length > 2 && counts.every((count) => count === counts[0]);
  if (isTable) return false;
  const tail = behind.length === 0 ? [] : begun.slice(-behind.length);
  const pairs = [
    ...(between as string[][]).flatMap((cells) => zip(cells, [...before, begun[0] as string, ...behind])),
    ...zip(ended, [...before, begun[0] as string]),
    ...zip(tail, behind),
  ];
  const like = pairs.filter(([cell, model]) => isLike(cell, model)).length;
  return like >= likeEnough * pairs.length;
}

/** The cells of a line, each with one of its column. */
const zip = (cells: readonly string[], models: readonly string[]): [string, string][] =>
  models.map((model, column) => [cells[column] ?? '', model]);
