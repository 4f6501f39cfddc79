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

/** The options in columns, one a letter, without the empty ones; undefined: there is no column for the letter. */
export function letterOptions(
  values: Record<string, unknown>,
  names: readonly (string | undefined)[],
): LetterOptions {
  const cells = names.map((name) => (name === undefined ? null : textCell(values[name])));
  const filled = [...cells.keys()].filter((i) => cells[i] !== null);
  return { options: filled.map((i) => cells[i] as string), placeOf: (letter) => filled.indexOf(letter) };
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
