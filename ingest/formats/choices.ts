import { type Draft, Fault, kinds, textCell } from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { shownValue } from '../read/shown.ts';
import { type Choice, labelledChoices, listedOptions } from './options.ts';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function choicesOf(found: unknown, answer: unknown): Choice[] {
  const choices = labelledChoices(found, answer);
  if (choices) return choices;
  throw new Fault(
    'choices',
    'expected a list of {text, label}, or {text, label} with two lists of one length',
  );
}

/** "Which is it? (A) ice (B) steam", as the authors' CSV and TSV files write a question: what is asked, and the choices. */
function writtenOut(text: string): { stem: string; choices: Choice[] } {
  const { before, choices } = listedOptions(text) ?? { before: text, choices: [] };
  return { stem: before, choices };
}

/** Place of the answer among labels such as A to D or 1 to 4; null: the test set's answers are withheld. */
function answerOf(answerKey: unknown, choices: readonly Choice[]): number | null {
  const key = textCell(answerKey);
  if (key === null) return null;
  const place = choices.findIndex(({ label }) => String(label).trim() === key);
  if (place >= 0) return place;
  const labels = choices.map(({ label }) => String(label)).join(', ');
  throw new Fault('answerKey', `"${key}" is none of the labels ${labels}`);
}

interface Parts {
  id: unknown;
  stem: unknown;
  choices: Choice[];
  answerKey: unknown;
}

const named = ({ values }: RawRow) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''), value]),
  );

/** The id of a record; null: it has none. */
export function choiceId(row: RawRow): string | null {
  const { id, questionid } = named(row);
  return textCell(id ?? questionid);
}

/** The parts of a record in whichever of the published forms it has. */
function partsOf(row: RawRow): Parts {
  const { answerkey: answerKey, choices, id = undefined, question, questionid, questionstem } = named(row);
  return { id: id ?? questionid, ...askedOf({ answerKey, choices, question, questionstem }), answerKey };
}

function askedOf({
  answerKey,
  choices,
  question,
  questionstem,
}: Record<string, unknown>): Pick<Parts, 'stem' | 'choices'> {
  if (isRecord(question)) return { stem: question.stem, choices: choicesOf(question.choices, answerKey) };
  const stem = questionstem ?? question;
  if (typeof choices === 'string') {
    const found = labelledChoices(shownValue(choices), answerKey) ?? writtenOut(choices).choices;
    return { stem, choices: found };
  }
  if (choices !== undefined || typeof stem !== 'string') {
    return { stem, choices: choicesOf(choices, answerKey) };
  }
  return writtenOut(stem);
}

/**
 * OpenBookQA and ARC: `question` {stem, choices} and `answerKey` in the authors' JSON lines, `question_stem` or
 * `question` beside `choices` in Hugging Face's Parquet files, "(A) … (B) …" in the authors' CSV and TSV files. Text-heavy.
 */
export function choiceQuestion(row: RawRow): Draft {
  const { answerKey, choices, id, stem } = partsOf(row);
  const fact = textCell(row.values.fact1);
  return {
    id,
    taskKind: kinds.text,
    question: stem,
    options: choices.map(({ text }) => text),
    // Without choices it is these that are at fault.
    answer: choices.length < 2 ? null : answerOf(answerKey, choices),
    ...(fact === null ? {} : { fields: { fact1: fact } }),
  };
}
