import { type Draft, Fault, kinds, letterOptions, placeOf, textCell } from '../draft.ts';
import type { RawRow } from '../raw.ts';

const letters = [...'ABCDEFGH'];

/** An image in base64; a table may name the row that holds the same image instead. */
export class SharedImages {
  private readonly images = new Map<string, Uint8Array>();

  of(index: string, cell: unknown): Uint8Array {
    if (cell instanceof Uint8Array) return cell;
    const text = textCell(cell);
    if (text === null) throw new Fault('image', 'expected an image in base64');
    if (/^\d{1,9}$/.test(text)) {
      const earlier = this.images.get(text);
      if (earlier) return earlier;
      throw new Fault('image', `names the image of row index ${text}, which has not come before it`);
    }
    if (!/^[A-Za-z0-9+/\s]+=*\s*$/.test(text)) throw new Fault('image', 'expected an image in base64');
    const bytes = Buffer.from(text, 'base64');
    this.remember(index, bytes);
    return bytes;
  }

  /** Only the last few: rows that share an image stand together. */
  private remember(index: string, bytes: Uint8Array): void {
    this.images.set(index, bytes);
    if (this.images.size > 64) this.images.delete(this.images.keys().next().value as string);
  }
}

/**
 * MMBench: a TSV of index, question, hint, A to D (some empty), answer and an image in base64; Hugging Face's Parquet has the
 * same columns. VQA. The hint is part of the question.
 */
export function mmbench(): (row: RawRow) => Draft {
  const images = new SharedImages();
  return ({ values }) => {
    const index = textCell(values.index) ?? '';
    const options = letterOptions(values, letters);
    const answer = textCell(values.answer);
    const place = answer === null ? null : placeOf(answer);
    if (place === -1) throw new Fault('answer', `expected a letter, found "${answer}"`);
    const hint = textCell(values.hint);
    const question = String(values.question ?? '');
    const category = textCell(values.category);
    const { image } = values;
    return {
      id: index === '' ? undefined : `mmbench ${index}`,
      taskKind: kinds.both,
      split: values.split,
      question: hint === null ? question : `${hint}\n${question}`,
      options,
      answer: place,
      image: typeof image === 'object' && image !== null ? image : images.of(index, image),
      ...(category === null ? {} : { fields: { category } }),
    };
  };
}
