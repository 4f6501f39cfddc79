import type { Random } from '../../random/index.ts';
import type { EncodedImage, imagePerturbations, Sample } from '../../schemas/benchmark.ts';
import { draw, invert, png } from './canvas.ts';
import type { Pool } from './pool.ts';
import { screenshot } from './screenshot.ts';

export type ImagePerturbation = (typeof imagePerturbations)[number];

/** A picture that has nothing to do with the question; `hinted` is the wrong option that it shows. */
export interface PutImage {
  image: EncodedImage;
  variant: string;
  hinted: number | null;
}

const plain = (image: EncodedImage, variant: string): PutImage => ({ image, variant, hinted: null });

function stripes(random: Random): EncodedImage {
  const period = 4 + random.int(9);
  const vertical = random.int(2) === 1;
  return png(draw((x, y) => ((vertical ? x : y) % period < period / 2 ? 235 : 20)));
}

function grid(random: Random): EncodedImage {
  const period = 5 + random.int(8);
  return png(draw((x, y) => (x % period === 0 || y % period === 0 ? 220 : 30)));
}

function blocks(random: Random): EncodedImage {
  const size = 7 * (1 + random.int(2));
  const across = 56 / size;
  const values = Array.from({ length: across * across }, () => random.int(256));
  return png(draw((x, y) => values[Math.floor(y / size) * across + Math.floor(x / size)] as number));
}

/** Kinds of picture that robust training never shows. */
const unseenKinds: Readonly<Record<string, (random: Random, sample: Sample, pool: Pool) => EncodedImage>> = {
  grid,
  /** Blocks where the photo is no PNG. */
  inverted: (random, sample, pool) => invert(pool.other(sample, random).image) ?? blocks(random),
  stripes,
  blocks,
};

/** A photo whose class is one of the wrong options; null: no wrong option has a photo in the pool. */
function target(sample: Sample, random: Random, pool: Pool): PutImage | null {
  const shown = sample.options.flatMap((option, i) => (i !== sample.answer && pool.has(option) ? [i] : []));
  if (shown.length === 0) return null;
  const hinted = random.pick(shown);
  const option = sample.options[hinted] as string;
  return { image: pool.of(option, random), variant: option, hinted };
}

/** One file for the image modality: name -> the picture put beside the question; null: not possible for the sample. */
export const imageTable: Readonly<
  Record<ImagePerturbation, (sample: Sample, random: Random, pool: Pool) => PutImage | null>
> = {
  full_black: () => plain(png(draw(() => 0)), 'black'),
  full_white: () => plain(png(draw(() => 255)), 'white'),
  random_pixels: (_, random) => plain(png(draw(() => random.int(256))), 'uniform noise'),
  switch: (sample, random, pool) => {
    const other = pool.other(sample, random);
    return plain(other.image, other.id);
  },
  ui_screenshot: (_, random) => plain(png(screenshot(random)), 'windows'),
  switch_target: target,
  image_unseen: (sample, random, pool) => {
    const kind = random.pick(Object.keys(unseenKinds));
    return plain((unseenKinds[kind] as (typeof unseenKinds)[string])(random, sample, pool), kind);
  },
};
