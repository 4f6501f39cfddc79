import { basename, join } from 'node:path';
import { type Draft, kinds, oneImage, textCell, withHint } from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { type AnswerColumn, type AnswerRule, numberIn } from './answers.ts';

const fieldNames = ['topic', 'category', 'skill', 'subject', 'grade', 'task'];

/** The number of a problem; null: it has none. */
export const scienceQaId = ({ values }: RawRow) => textCell(values.pid ?? values.id);

export const addScienceQaAnswer = ({ values }: RawRow, column: AnswerColumn) =>
  column.add(values.answer, { options: values.choices });

/** Places from 0 unless the column counts from 1. */
function answerOf(cell: unknown, { from, withheld }: AnswerRule): unknown {
  const number = typeof cell === 'object' ? undefined : numberIn(textCell(cell) ?? '');
  if (number === undefined) return cell;
  return withheld ? null : number - from;
}

/**
 * ScienceQA: `problems.json` (an object by id, images in images/<split>/<id>/) or Hugging Face's Parquet files (images in
 * the table). VQA where there is an image, text-heavy where there is none. The hint is part of the question.
 */
export const scienceQa =
  (rule: AnswerRule) =>
  (raw: RawRow): Draft => {
    const { file, row, values } = raw;
    const id = scienceQaId(raw);
    const image = oneImage(values.image) ?? null;
    const name = typeof image === 'string' ? textCell(image) : null;
    const path = name === null ? null : join('images', textCell(values.split) ?? '', String(id), name);
    return {
      id: id ?? `scienceqa ${basename(file)} ${row}`,
      unnamed: id === null,
      taskKind: image === null || (typeof image === 'string' && name === null) ? kinds.text : kinds.both,
      split: values.split,
      question: withHint(values.hint, values.question),
      options: values.choices,
      answer: answerOf(values.answer, rule),
      image: typeof image === 'string' ? path : image,
      fields: Object.fromEntries(
        fieldNames.flatMap((field) => {
          const text = textCell(values[field]);
          return text === null ? [] : [[field, text]];
        }),
      ),
    };
  };
