import { basename } from 'node:path';
import { type Draft, Fault, kinds, placeOf, textCell } from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { shownValue } from '../read/shown.ts';
import { type AnswerColumn, type AnswerRule, numberIn } from './answers.ts';

/** Columns of the authors' CSV files, which have no header. */
export const mmluColumns = ['question', 'A', 'B', 'C', 'D', 'answer'] as const;

/** "high_school_physics_test.csv" -> "high_school_physics". */
const subjectOf = (file: string) =>
  basename(file)
    .replace(/\.(csv|parquet|arrow)(\.gz)?$/i, '')
    .replace(/_(test|val|dev|train)$/, '');

/** Column names in small letters; Hugging Face's extra training questions are a struct `train`. */
function fieldsOf(values: Record<string, unknown>): Record<string, unknown> {
  const { train } = values;
  const inner = typeof train === 'object' && train !== null && !Array.isArray(train) ? train : values;
  return Object.fromEntries(Object.entries(inner).map(([name, value]) => [name.toLowerCase(), value]));
}

/** A place or a letter; null: there is no answer. @throws Fault where it is neither */
function answerOf(cell: unknown, { from, withheld }: AnswerRule): number | null {
  const text = textCell(cell);
  if (text === null) return null;
  const number = numberIn(text);
  if (number !== undefined) return withheld ? null : number - from;
  const letter = placeOf(text);
  if (letter >= 0) return letter;
  throw new Fault('answer', `expected a letter A to D or a place, found "${text.slice(0, 60)}"`);
}

/** Options in a list or in four columns. */
function optionsOf(fields: Record<string, unknown>): unknown {
  const { choices } = fields;
  if (choices === undefined) return ['a', 'b', 'c', 'd'].map((name) => fields[name]);
  return typeof choices === 'string' ? shownValue(choices) : choices;
}

/** The id of a row; null: it has none. */
export const mmluId = ({ values }: RawRow) => textCell(fieldsOf(values).id);

export function addMmluAnswer({ values }: RawRow, column: AnswerColumn): void {
  const fields = fieldsOf(values);
  column.add(fields.answer, { options: optionsOf(fields) });
}

/** MMLU: the authors' CSV (question, four options, a letter) or Hugging Face's Parquet (choices, a number). Text-heavy. */
export const mmlu =
  (rule: AnswerRule) =>
  (raw: RawRow): Draft => {
    const { file, row, values } = raw;
    const fields = fieldsOf(values);
    const id = mmluId(raw);
    const published = fields.choices !== undefined;
    const subject = String(fields.subject ?? subjectOf(file));
    return {
      // Rows without an id are named by subject, file and place: the files of all subjects have the same names.
      id: id ?? ['mmlu', ...(published && subject ? [subject] : []), basename(file), row].join(' '),
      unnamed: id === null,
      taskKind: kinds.text,
      question: fields.question,
      options: optionsOf(fields),
      answer: answerOf(fields.answer, rule),
      ...(subject === '' ? {} : { fields: { subject } }),
    };
  };
