import type { TaskKind } from '../schemas/benchmark.ts';

/** What a format makes of a record; what is absent or of another type is found by the check that follows. */
export interface Draft {
  id: unknown;
  taskKind: unknown;
  split?: unknown;
  question: unknown;
  options: unknown;
  /** Index into `options`; null: unlabelled. */
  answer: unknown;
  context?: unknown;
  /** Encoded bytes, a Hugging Face struct {bytes, path}, or a path. */
  image?: unknown;
  /** Name of the image where `image` is bytes. */
  imagePath?: string;
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

/** Letters or numbers that label options: 'A' or '1' is the first. -1: neither. */
export function placeOf(label: unknown): number {
  const text = String(label ?? '').trim();
  if (/^[A-Za-z]$/.test(text)) return text.toUpperCase().charCodeAt(0) - 65;
  return -1;
}

/** A cell as trimmed text, null where it is empty or one of the ways in which tables write "nothing". */
export function textCell(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = String(value).trim();
  return text === '' || text.toLowerCase() === 'nan' ? null : text;
}

/** Options in columns named by letters, up to the first gap. */
export function letterOptions(values: Record<string, unknown>, names: readonly string[]): string[] {
  const cells = names.map((name) => textCell(values[name]));
  const end = cells.indexOf(null);
  return (end < 0 ? cells : cells.slice(0, end)) as string[];
}

export const kinds = { image: 'image_heavy', text: 'text_heavy', both: 'vqa' } as const satisfies Record<
  string,
  TaskKind
>;
