import { join } from 'node:path';
import { type Draft, Fault, kinds, letterOptions, placeOf, textCell } from '../draft.ts';
import type { RawRow } from '../raw.ts';

const columns = ['choice_a', 'choice_b', 'choice_c', 'choice_d'];

/** SEED-Bench: the list `questions` of its JSON, images in SEED-Bench-image/ (or beside the file). VQA; videos are refused. */
export function seedBench({ values }: RawRow): Draft {
  const type = textCell(values.data_type) ?? 'image';
  if (type !== 'image') throw new Fault('data_type', `is "${type}"; only images are read`);
  const place = placeOf(values.answer);
  if (place === -1) throw new Fault('answer', `expected a letter A to D, found "${String(values.answer)}"`);
  const name = textCell(values.data_id);
  if (name === null) throw new Fault('data_id', 'expected the name of the image');
  return {
    id: `seedbench ${textCell(values.question_id) ?? ''}`,
    taskKind: kinds.both,
    question: values.question,
    options: letterOptions(values, columns),
    answer: place,
    image: join('SEED-Bench-image', name),
    source: name,
    fields: { questionType: String(values.question_type_id ?? '') },
  };
}
