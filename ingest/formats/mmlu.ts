import { basename } from 'node:path';
import { type Draft, Fault, kinds, placeOf, textCell } from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { shownValue } from '../read/shown.ts';

/** Columns of the authors' CSV files, which have no header. */
export const mmluColumns = ['question', 'A', 'B', 'C', 'D', 'answer'] as const;

/** "high_school_physics_test.csv" -> "high_school_physics". */
const subjectOf = (file: string) =>
  basename(file)
    .replace(/\.(csv|parquet)(\.gz)?$/i, '')
    .replace(/_(test|val|dev|train)$/, '');

/** Column names in small letters; Hugging Face's extra training questions are a struct `train`. */
function fieldsOf(values: Record<string, unknown>): Record<string, unknown> {
  const { train } = values;
  const inner = typeof train === 'object' && train !== null && !Array.isArray(train) ? train : values;
  return Object.fromEntries(Object.entries(inner).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Places from 0 where the options are a list, else letters; null: there is no answer. @throws Fault where it is neither */
function answerOf(cell: unknown, published: boolean): number | null {
  const text = textCell(cell);
  if (text === null) return null;
  if (published && /^-?\d+(\.0+)?$/.test(text)) return Number(text);
  const letter = placeOf(text);
  if (letter >= 0) return letter;
  throw new Fault('answer', `expected a letter A to D, found "${text.slice(0, 60)}"`);
}

/** MMLU: the authors' CSV (question, four options, a letter) or Hugging Face's Parquet (choices, a number). Text-heavy. */
export function mmlu({ file, row, values }: RawRow): Draft {
  const fields = fieldsOf(values);
  const { id, question } = fields;
  const choices = typeof fields.choices === 'string' ? shownValue(fields.choices) : fields.choices;
  const published = choices !== undefined;
  const subject = String(fields.subject ?? subjectOf(file));
  return {
    // Rows without an id are named by subject, file and place: the files of all subjects have the same names.
    id: id ?? ['mmlu', ...(published && subject ? [subject] : []), basename(file), row].join(' '),
    unnamed: id === undefined,
    taskKind: kinds.text,
    question,
    options: published ? choices : ['a', 'b', 'c', 'd'].map((name) => fields[name]),
    answer: answerOf(fields.answer, published),
    ...(subject === '' ? {} : { fields: { subject } }),
  };
}
