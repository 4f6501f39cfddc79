import type { AttackBatch } from './batch.ts';
import type { PixelPlaces } from './pixel-places.ts';

/** A picture as a vision encoder takes it, open to changes. */
export interface OpenPicture {
  /** Prepared numbers. */
  values: Float32Array;
  places: PixelPlaces;
  /** Of each channel the numbers of brightness 0 and 1. */
  range: readonly (readonly [number, number])[];
  /** Places of its features among the row's tokens. */
  slots: readonly number[];
  /** Features [slots, width] of changed numbers. */
  features(values: Float32Array): Promise<Float32Array>;
  /** Gradient by the numbers, of a loss whose gradient by the features is given. */
  gradient(values: Float32Array, features: Float32Array): Promise<Float32Array>;
}

/** Per-channel numbers of brightness 0 and 1 under (value - mean) / std. */
export function rangeOf(mean: readonly number[], std: readonly number[]): [number, number][] {
  return mean.map((m, c) => [-m / std[c]!, (1 - m) / std[c]!]);
}

/** The numbers of brightness 0 and 1 in the place of number i. */
export function boundsAt({ places, range }: OpenPicture, i: number): readonly [number, number] {
  return range[Math.floor(i / places.plane) % range.length]!;
}

/** The picture's numbers with a change of brightness, `change[at[i]]` that of number i; brightness stays within 0 and 1. */
export function changed(picture: OpenPicture, change: Float32Array, at: Int32Array): Float32Array {
  return picture.values.map((value, i) => {
    const [black, white] = boundsAt(picture, i);
    return Math.min(white, Math.max(black, value + change[at[i]!]! * (white - black)));
  });
}

/** Rows of a batch with their pictures, to be shown otherwise. */
interface PictureRows {
  /** [rows, length, width]. */
  embeds: Float32Array;
  length: number;
  width: number;
  pictures: readonly OpenPicture[];
}

/** `embeds` is a copy. */
export function pictureRows(
  { embeds, mask }: Pick<AttackBatch, 'embeds' | 'mask'>,
  pictures: readonly OpenPicture[],
): PictureRows {
  const width = embeds.length / mask.length;
  return { embeds: embeds.slice(), length: mask.length / pictures.length, width, pictures };
}

/** Puts the features of changed pictures among the embeddings. */
export async function show(
  { embeds, length, pictures, width }: PictureRows,
  values: readonly Float32Array[],
): Promise<void> {
  for (const [row, picture] of pictures.entries()) {
    const features = await picture.features(values[row]!);
    for (const [i, slot] of picture.slots.entries()) {
      embeds.set(features.subarray(i * width, (i + 1) * width), (row * length + slot) * width);
    }
  }
}

/** The gradient by a row's features out of that by all embeddings. */
export function arriving(
  { length, pictures, width }: PictureRows,
  row: number,
  slopes: Float32Array,
): Float32Array {
  const { slots } = pictures[row]!;
  const found = new Float32Array(slots.length * width);
  for (const [i, slot] of slots.entries()) {
    const from = (row * length + slot) * width;
    found.set(slopes.subarray(from, from + width), i * width);
  }
  return found;
}
