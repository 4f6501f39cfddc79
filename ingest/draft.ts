import type { TaskKind } from '../schemas/benchmark.ts';

/** What a format makes of a record; what is absent or of another type is found by the check that follows. */
export interface Draft {
  id: unknown;
  /** The data name no row: the id is made of the file's name and the place. */
  unnamed?: boolean;
  /** All that a row says whose id is on other rows of its file, too, so that it names none of them. */
  shared?: string;
  taskKind: unknown;
  split?: unknown;
  question: unknown;
  options: unknown;
  /** Index into `options`; null: unlabelled. */
  answer: unknown;
  context?: unknown;
  /** Encoded bytes, a Hugging Face struct {bytes, path}, a path, or `AnyOf` several. */
  image?: unknown;
  source?: unknown;
  task?: string;
  fields?: Record<string, string>;
}

/** Why a record gives no sample: the field at fault, and what was expected. */
export class Fault extends Error {
  readonly field: string;

  constructor(field: string, why: string) {
    super(why);
    this.field = field;
  }
}

/** The place that a letter stands for, also as "(A)", "A." or "A)". -1: it is none. */
export function placeOf(label: unknown): number {
  const [, letter] =
    /^\(?([A-Z])[).:]*$/i.exec(
      String(label ?? '')
        .normalize('NFKC')
        .trim(),
    ) ?? [];
  return letter === undefined ? -1 : letter.toUpperCase().charCodeAt(0) - 65;
}

/** A list or object as text; whole numbers beyond 2^53 keep their digits. */
const jsonOf = (value: object) =>
  JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? String(one) : one)) ?? '';

/** A cell as trimmed text, null where it is empty or one of the ways in which tables write "nothing". */
export function textCell(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const isList = typeof value === 'object' && !(value instanceof Date);
  const shown = value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value;
  const text = (isList ? jsonOf(value) : String(shown)).trim();
  return text === '' || text.toLowerCase() === 'nan' ? null : text;
}

export interface LetterOptions {
  options: string[];
  /** The place among the options of the column that a letter stands for; -1: it is empty. */
  placeOf(letter: number): number;
}

/** A text by which tables write "nothing", and which may be an option's own. */
export const isNaNText = (value: unknown): value is string =>
  typeof value === 'string' && value.trim().toLowerCase() === 'nan';

/** The columns that hold options. One that says "NaN" is empty, unless the answer is its letter, or is called so and it alone is. */
export function filledColumns(
  values: Record<string, unknown>,
  names: readonly (string | undefined)[],
  answer?: unknown,
): number[] {
  const cells = names.map((name) => (name === undefined ? null : values[name]));
  const called = cells.filter(isNaNText).length === 1 && isNaNText(answer);
  const place = placeOf(answer);
  return [...cells.keys()].filter(
    (i) => textCell(cells[i]) !== null || (isNaNText(cells[i]) && (called || place === i)),
  );
}

/** The options in columns, one a letter, without the empty ones. */
export function letterOptions(
  values: Record<string, unknown>,
  names: readonly (string | undefined)[],
  answer?: unknown,
): LetterOptions {
  const filled = filledColumns(values, names, answer);
  const textOf = (i: number) => {
    const cell = values[names[i] as string];
    return textCell(cell) ?? String(cell).trim();
  };
  return { options: filled.map(textOf), placeOf: (letter) => filled.indexOf(letter) };
}

/** The question below its hint, where there is one. */
export function withHint(hint: unknown, question: unknown): unknown {
  const [above, asked] = [textCell(hint), textCell(question)];
  return above === null || asked === null ? question : `${above}\n${String(question)}`;
}

/** The place of an answer that is a letter; null: there is none. @throws Fault where it leads to no option */
export function letterAnswer(cell: unknown, { options, placeOf: among }: LetterOptions): number | null {
  const letter = textCell(cell);
  if (letter === null) return null;
  const place = among(placeOf(letter));
  if (place >= 0) return place;
  throw new Fault(
    'answer',
    `expected the letter of one of the ${options.length} options, found "${letter.slice(0, 60)}"`,
  );
}

/** Paths of which the first that is there holds the image; `name` is what it is called, the path where it is absent. */
export class AnyOf {
  readonly paths: readonly string[];
  readonly name: string | undefined;

  constructor(paths: readonly string[], name?: string) {
    this.paths = paths;
    this.name = name;
  }
}

/** A struct of an image, {bytes, path}, in which there is nothing. */
const isEmptyStruct = (cell: unknown) =>
  typeof cell === 'object' &&
  cell !== null &&
  'bytes' in cell &&
  !cell.bytes &&
  !('path' in cell && textCell(cell.path));

/** The image of a cell that may hold a list of them; null where it is empty. @throws Fault where there is more than one */
export function oneImage(cell: unknown): unknown {
  if (!Array.isArray(cell)) return isEmptyStruct(cell) ? null : cell;
  if (cell.length > 1) throw new Fault('image', `there are ${cell.length}; a sample has one image`);
  return oneImage(cell[0]);
}

export const kinds = { image: 'image_heavy', text: 'text_heavy', both: 'vqa' } as const satisfies Record<
  string,
  TaskKind
>;
