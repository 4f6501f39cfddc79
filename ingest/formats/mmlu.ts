import { basename } from 'node:path';
import { type Draft, Fault, kinds, placeOf } from '../draft.ts';
import type { RawRow } from '../raw.ts';

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

/** MMLU: the authors' CSV (question, four options, a letter) or Hugging Face's Parquet (choices, a number). Text-heavy. */
export function mmlu({ file, row, values }: RawRow): Draft {
  const fields = fieldsOf(values);
  const { choices, id, question } = fields;
  const published = Array.isArray(choices);
  const letter = published && typeof fields.answer === 'number' ? undefined : placeOf(fields.answer);
  if (letter === -1) throw new Fault('answer', `expected a letter A to D, found "${String(fields.answer)}"`);
  const subject = String(fields.subject ?? subjectOf(file));
  return {
    // Rows without an id are named by subject, file and place: the files of all subjects have the same names.
    id: id ?? ['mmlu', ...(published && subject ? [subject] : []), basename(file), row].join(' '),
    unnamed: id === undefined,
    taskKind: kinds.text,
    question,
    options: published ? choices : ['a', 'b', 'c', 'd'].map((name) => fields[name]),
    answer: letter ?? fields.answer,
    ...(subject === '' ? {} : { fields: { subject } }),
  };
}
