import type { AttackBatch } from './batch.ts';
import { arriving, changed, type OpenPicture, pictureRows, show } from './pictures.ts';

/** Rows of a batch with what may be changed in each: components that move within [-eps, eps]. */
export interface OpenRows {
  /** Components of each row. */
  counts: readonly number[];
  /** Chances of each row's options under changes [rows][components]. */
  chances(changes: readonly Float32Array[]): Promise<number[][]>;
  /** Logits of each row's options, and the slope by each component of the sum of direction times logit. */
  slopes(
    changes: readonly Float32Array[],
    directions: readonly (readonly number[])[],
  ): Promise<{ logits: number[][]; slopes: Float32Array[] }>;
}

/** The embeddings of the modality that must not decide. */
export function openEmbeddings(batch: AttackBatch): OpenRows {
  const { embeds, mask, indices } = batch;
  const width = embeds.length / mask.length;
  const length = mask.length / indices.length;
  const tokens = indices.map((_, row) => {
    const places: number[] = [];
    for (let at = row * length; at < (row + 1) * length; at++) if (mask[at]) places.push(at);
    return places;
  });
  const moved = embeds.slice();
  const move = (changes: readonly Float32Array[]) => {
    for (const [row, places] of tokens.entries()) {
      const change = changes[row]!;
      for (const [n, at] of places.entries())
        for (let i = 0; i < width; i++)
          moved[at * width + i] = embeds[at * width + i]! + change[n * width + i]!;
    }
    return moved;
  };
  return {
    counts: tokens.map((places) => places.length * width),
    chances: (changes) => batch.chances(move(changes)),
    async slopes(changes, directions) {
      const { gradient, logits } = await batch.slopes(move(changes), directions);
      const slopes = tokens.map((places) => {
        const own = new Float32Array(places.length * width);
        for (const [n, at] of places.entries())
          own.set(gradient.subarray(at * width, (at + 1) * width), n * width);
        return own;
      });
      return { logits, slopes };
    },
  };
}

/** The brightness of the pictures' pixels, each channel's by itself, which stays within 0 and 1. */
export function openPixels(batch: AttackBatch, pictures: readonly OpenPicture[]): OpenRows {
  const shown = pictureRows(batch, pictures);
  const valuesOf = (changes: readonly Float32Array[]) =>
    pictures.map((picture, row) => changed(picture, changes[row]!, picture.places.own));
  return {
    counts: pictures.map(({ places }) => places.count),
    async chances(changes) {
      await show(shown, valuesOf(changes));
      return batch.chances(shown.embeds);
    },
    async slopes(changes, directions) {
      const values = valuesOf(changes);
      await show(shown, values);
      const { gradient, logits } = await batch.slopes(shown.embeds, directions);
      const slopes: Float32Array[] = [];
      for (const [row, picture] of pictures.entries()) {
        const { count, own } = picture.places;
        const rise = new Float32Array(count);
        const byNumber = await picture.gradient(values[row]!, arriving(shown, row, gradient));
        for (const [i, slope] of byNumber.entries()) rise[own[i]!]! += slope;
        slopes.push(rise);
      }
      return { logits, slopes };
    },
  };
}
