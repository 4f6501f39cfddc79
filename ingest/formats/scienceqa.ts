import { basename, join } from 'node:path';
import { type Draft, kinds, oneImage, textCell, withHint } from '../draft.ts';
import type { RawRow } from '../raw.ts';

const fieldNames = ['topic', 'category', 'skill', 'subject', 'grade', 'task'];

/**
 * ScienceQA: `problems.json` (an object by id, images in images/<split>/<id>/) or Hugging Face's Parquet files (images in
 * the table). VQA where there is an image, text-heavy where there is none. The hint is part of the question.
 */
export function scienceQa({ file, row, values }: RawRow): Draft {
  const id = textCell(values.pid ?? values.id);
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
    answer: values.answer,
    image: typeof image === 'string' ? path : image,
    fields: Object.fromEntries(
      fieldNames.flatMap((field) => {
        const text = textCell(values[field]);
        return text === null ? [] : [[field, text]];
      }),
    ),
  };
}
