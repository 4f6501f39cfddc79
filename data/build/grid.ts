import { encode } from 'fast-png';
import { type Photos, photo } from './idx.ts';

const grey = (data: Uint8Array, size: number): Uint8Array =>
  encode({ width: size, height: size, data, channels: 1, depth: 8 });

/** Text that two photos share only if all their pixels are equal. */
export function photoKey(photos: Photos, index: number): string {
  return Buffer.from(photo(photos, index)).toString('latin1');
}

/** The photo as an 8-bit grey PNG of its own size. */
export function photoPng(photos: Photos, index: number): Uint8Array {
  return grey(photo(photos, index), photos.size);
}

/** Pixels of a 2x2 grid of four photos, row by row, twice as wide and high as a photo. */
export function gridPixels(photos: Photos, indices: readonly number[]): Uint8Array {
  const { size } = photos;
  const data = new Uint8Array(4 * size * size);
  indices.forEach((index, corner) => {
    const pixels = photo(photos, index);
    const left = (corner % 2) * size;
    const top = Math.floor(corner / 2) * size;
    for (let y = 0; y < size; y++) {
      data.set(pixels.subarray(y * size, (y + 1) * size), (top + y) * 2 * size + left);
    }
  });
  return data;
}

export function gridPng(photos: Photos, indices: readonly number[]): Uint8Array {
  return grey(gridPixels(photos, indices), 2 * photos.size);
}
