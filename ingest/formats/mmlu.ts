import { basename } from 'node:path';
import { type Draft, Fault, kinds, placeOf } from '../draft.ts';
import type { RawRow } from '../raw.ts';

/** Columns of the authors' CSV files, which have no header. */
export const mmluColumns = ['question', 'A', 'B', 'C', 'D', 'answer'] as const;

/** "high_school_physics_test.csv" -> "high_school_physics". */
const subjectOf = (file: string) =>
  basename(file)
    .replace(/\.(csv|parquet)(\.gz)?$/, '')
    .replace(/_(test|val|dev|train)$/, '');

/** Rows without an id are named by subject and place. */
const idOf = ({ file, row, values }: RawRow) => String(values.id ?? `mmlu ${basename(file)} ${row}`);

/** MMLU: the authors' CSV (question, four options, a letter) or Hugging Face's Parquet (choices, a number). Text-heavy. */
export function mmlu(raw: RawRow): Draft {
  const { file, values } = raw;
  const published = Array.isArray(values.choices);
  const answer = published ? values.answer : placeOf(values.answer);
  if (answer === -1) throw new Fault('answer', `expected a letter A to D, found "${String(values.answer)}"`);
  const subject = String(values.subject ?? subjectOf(file));
  return {
    id: idOf(raw),
    taskKind: kinds.text,
    question: values.question,
    options: published ? values.choices : ['A', 'B', 'C', 'D'].map((letter) => values[letter]),
    answer,
    fields: { subject },
  };
}
