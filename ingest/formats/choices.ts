import { type Draft, Fault, kinds, textCell } from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { shownValue } from '../read/shown.ts';
import { type Choice, labelledChoices } from './options.ts';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function choicesOf(found: unknown): Choice[] {
  const choices = labelledChoices(found);
  if (choices) return choices;
  throw new Fault(
    'choices',
    'expected a list of {text, label}, or {text, label} with two lists of one length',
  );
}

/** "Which is it? (A) ice (B) steam", as the authors' CSV and TSV files write a question: what is asked, and the choices. */
function writtenOut(text: string): { stem: string; choices: Choice[] } {
  let found: { stem: string; choices: Choice[] } | undefined;
  for (const labels of [[...'ABCDEFGH'], [...'12345678']]) {
    const choices: Choice[] = [];
    let rest = text;
    let stem = '';
    for (const [i, label] of labels.entries()) {
      const at = rest.indexOf(`(${label})`);
      if (at < 0) break;
      const before = rest.slice(0, at).trim();
      const last = choices.at(-1);
      if (i === 0 || !last) stem = before;
      else last.text = before;
      choices.push({ label, text: '' });
      rest = rest.slice(at + label.length + 2);
    }
    const last = choices.at(-1);
    if (last) last.text = rest.trim();
    if (choices.length > (found?.choices.length ?? 1)) found = { stem, choices };
  }
  return found ?? { stem: text, choices: [] };
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

/** The parts of a record in whichever of the published forms it has. */
function partsOf({ values }: RawRow): Parts {
  const named = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''), value]),
  );
  const answerKey = named.answerkey;
  const id = named.id ?? named.questionid;
  const { choices, question } = named;
  if (isRecord(question)) return { id, stem: question.stem, choices: choicesOf(question.choices), answerKey };
  const stem = named.questionstem ?? question;
  if (typeof choices === 'string') {
    const found = labelledChoices(shownValue(choices)) ?? writtenOut(choices).choices;
    return { id, stem, choices: found, answerKey };
  }
  if (choices !== undefined || typeof stem !== 'string') {
    return { id, stem, choices: choicesOf(choices), answerKey };
  }
  return { id, ...writtenOut(stem), answerKey };
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
