import { join } from 'node:path';
import {
  AnyOf,
  type Draft,
  Fault,
  kinds,
  letterAnswer,
  letterOptions,
  oneImage,
  textCell,
} from '../draft.ts';
import type { RawRow } from '../raw.ts';

const columns = ['choice_a', 'choice_b', 'choice_c', 'choice_d'];

/** The authors' images have names without an ending; some who hand them on add one. */
const endings = ['', '.jpg', '.png'];

/** The number of a question; null: it has none. */
export const seedBenchId = ({ values }: RawRow) => textCell(values.question_id);

/**
 * SEED-Bench: the list `questions` of its JSON, images in SEED-Bench-image/ (or beside the file), or Parquet with the images in
 * it. VQA; questions about videos or several images are refused.
 */
export function seedBench({ values }: RawRow): Draft {
  const type = textCell(values.data_type) ?? 'image';
  if (!/^(single )?image$/i.test(type)) throw new Fault('data_type', `is "${type}"; only images are read`);
  const number = textCell(values.question_id);
  const choices = letterOptions(values, columns, textCell(values.answer));
  const name = textCell(oneImage(values.data_id));
  const image = oneImage(values.image);
  if (name === null && !image) throw new Fault('data_id', 'expected the name of the image');
  return {
    id: number === null ? undefined : `seedbench ${number}`,
    taskKind: kinds.both,
    question: values.question,
    options: choices.options,
    answer: letterAnswer(values.answer, choices),
    image: image ?? new AnyOf(endings.map((end) => join('SEED-Bench-image', `${name}${end}`))),
    ...(name === null ? {} : { source: name }),
    fields: { questionType: String(values.question_type_id ?? '') },
  };
}
