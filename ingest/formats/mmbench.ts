import {
  type Draft,
  Fault,
  kinds,
  letterAnswer,
  letterOptions,
  oneImage,
  textCell,
  withHint,
} from '../draft.ts';
import type { RawRow } from '../raw.ts';

const letters = [...'ABCDEFGH'];

/** A cell that holds the index of the row whose image it shares. */
function referenceIn(cell: unknown): string | undefined {
  const text = typeof cell === 'object' ? null : textCell(cell);
  return text !== null && /^\d{1,12}$/.test(text) ? text : undefined;
}

/** An image in base64. @throws Fault where the cell holds none */
function decoded(cell: unknown): Uint8Array {
  const text = textCell(cell);
  if (text === null || !/^[A-Za-z0-9+/\s]+=*\s*$/.test(text)) {
    throw new Fault('image', 'expected an image in base64, or the index of the row that has it');
  }
  return Buffer.from(text, 'base64');
}

/**
 * The images that other rows of a table refer to, by their rows' index, wherever they stand: published tables have rows with the
 * options turned round that name the image of the first. They are held in memory; `open` reads the table from its beginning.
 */
async function sharedImages(open: () => AsyncIterable<RawRow>): Promise<Map<string, unknown>> {
  const wanted = new Set<string>();
  for await (const { values } of open()) {
    const reference = referenceIn(values.image);
    if (reference !== undefined) wanted.add(reference);
  }
  const images = new Map<string, unknown>();
  if (wanted.size === 0) return images;
  for await (const { values } of open()) {
    const index = textCell(values.index);
    const isWanted = index !== null && wanted.has(index) && !images.has(index);
    if (isWanted && referenceIn(values.image) === undefined) images.set(index, values.image);
  }
  return images;
}

/** The number of a row; null: it has none. */
export const mmbenchId = ({ values }: RawRow) => textCell(values.index);

/**
 * MMBench: a TSV of index, question, hint, A to D (some empty), answer and an image in base64 or the index of the row that has it;
 * Hugging Face's Parquet has the same columns. VQA. The hint is part of the question. All rows are for testing: "dev" is the
 * part whose answers are published.
 */
export async function mmbench(open: () => AsyncIterable<RawRow>): Promise<(row: RawRow) => Draft> {
  const images = await sharedImages(open);
  const imageOf = (cell: unknown) => {
    const reference = referenceIn(cell);
    if (reference === undefined) return typeof cell === 'object' && cell !== null ? cell : decoded(cell);
    const shared = images.get(reference);
    if (shared === undefined)
      throw new Fault(
        'image',
        `names the image of row index ${reference}, and there is no such row with an image`,
      );
    return typeof shared === 'object' ? shared : decoded(shared);
  };
  return ({ values }) => {
    const index = textCell(values.index) ?? '';
    const choices = letterOptions(values, letters, textCell(values.answer));
    const category = textCell(values.category);
    return {
      id: index === '' ? undefined : `mmbench ${index}`,
      taskKind: kinds.both,
      split: 'test',
      question: withHint(values.hint, values.question),
      options: choices.options,
      answer: letterAnswer(values.answer, choices),
      image: imageOf(oneImage(values.image)),
      ...(category === null ? {} : { fields: { category } }),
    };
  };
}
