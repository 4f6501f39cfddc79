import { type Draft, Fault, kinds } from '../draft.ts';
import type { RawRow } from '../raw.ts';

interface Choice {
  text: unknown;
  label: unknown;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

/** Choices as the authors publish them (a list of {text, label}) or as Hugging Face does ({text: [..], label: [..]}). */
function choicesOf(found: unknown): Choice[] {
  if (Array.isArray(found)) return found.filter(isRecord).map(({ text, label }) => ({ text, label }));
  const { text, label } = isRecord(found) ? found : {};
  if (!Array.isArray(text) || !Array.isArray(label) || text.length !== label.length) {
    throw new Fault(
      'choices',
      'expected a list of {text, label}, or {text, label} with two lists of one length',
    );
  }
  return text.map((one, i) => ({ text: one, label: label[i] }));
}

/** Place of the answer among labels such as A to D or 1 to 4; null: the test set's answers are withheld. */
function answerOf(answerKey: unknown, choices: readonly Choice[]): number | null {
  const key = String(answerKey ?? '').trim();
  if (key === '') return null;
  const place = choices.findIndex(({ label }) => String(label).trim() === key);
  if (place >= 0) return place;
  const labels = choices.map(({ label }) => String(label)).join(', ');
  throw new Fault('answerKey', `"${key}" is none of the labels ${labels}`);
}

/**
 * OpenBookQA and ARC: `question` {stem, choices} and `answerKey` in the authors' JSON lines, `question_stem` or
 * `question` beside `choices` in Hugging Face's Parquet files. Text-heavy.
 */
export function choiceQuestion({ values }: RawRow): Draft {
  const nested = isRecord(values.question) ? values.question : undefined;
  const choices = choicesOf(nested ? nested.choices : values.choices);
  return {
    id: values.id,
    taskKind: kinds.text,
    question: nested ? nested.stem : (values.question_stem ?? values.question),
    options: choices.map(({ text }) => text),
    answer: answerOf(values.answerKey, choices),
  };
}
