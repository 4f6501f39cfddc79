import { Random } from '../../random/index.ts';
import type { PerturbedSample } from '../../schemas/benchmark.ts';
import type { ByteImage } from '../pillow.ts';
import { Ascent, climb, randomSigns } from './ascent.ts';
import {
  type AttackBatch,
  type AttackOptions,
  type AttackResult,
  type AttackSource,
  answersOf,
  pixelsOutOfReach,
} from './batch.ts';
import { answersUnder, Course, halvesOf } from './halves.ts';
import { arriving, boundsAt, changed, type OpenPicture, pictureRows, show } from './pictures.ts';
import type { PlaneSize } from './pixel-places.ts';
import { usualSteps } from './universal.ts';

interface Opened {
  batch: AttackBatch;
  pictures: OpenPicture[];
}

/** Steps of brightness on each side of none, so that a pattern is a picture of bytes. */
const LEVELS = 127;

/**
 * Answers of half of the samples under one pattern that was found on the other half and is laid over every picture at the model's
 * input size (over each tile; repeated where pictures have any size): each channel's brightness, 0 to 1, moves by at most `eps`
 * and stays within 0 and 1. Found by ascent over the training half, `universalSteps` times, with the loss's gradient through decoder and
 * vision encoder. Source: Moosavi-Dezfooli et al. 2017, "Universal Adversarial Perturbations"; here by sign steps with momentum.
 * Throws GuardError BAD_INPUT where there are fewer than two source items.
 */
export async function attackPixelsUniversally(
  source: AttackSource,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  const { eps, seed, universalSteps: steps = usualSteps } = options;
  const { measured, training } = halvesOf(samples, seed);
  const course = new Course(options, samples.length, steps + 2);
  const learning: Opened[] = [];
  for await (const batch of source.batches(training, course.quiet)) {
    const pictures = await batch.pictures();
    if (!pictures) return pixelsOutOfReach;
    learning.push({ batch, pictures });
  }
  const { size } = learning[0]!.pictures[0]!.places;
  const count = size.channels * size.height * size.width;
  const random = (what: string) => new Random(seed, 'attack', 'universal_pixels', what);
  const ascent = new Ascent(count, eps, steps * learning.length, random('start'));
  await climb(ascent, learning, steps, course, ({ batch, pictures }) =>
    slopeOf(batch, pictures, ascent.change, answersOf(batch, training)),
  );
  const bytes = ascent.change.map((change) => (eps > 0 ? Math.round((LEVELS * change) / eps) : 0));
  const answers = (change: Float32Array) =>
    answersUnder(source, measured, course, (batch) => embedsUnder(batch, change));
  return {
    predictions: await answers(bytes.map((level) => (eps * level) / LEVELS)),
    control: await answers(randomSigns(count, eps, random('control'))),
    pattern: pictureOf(bytes, size),
  };
}

/** The loss's gradient by a pattern that is laid over a batch's pictures. */
async function slopeOf(
  batch: AttackBatch,
  pictures: readonly OpenPicture[],
  pattern: Float32Array,
  answers: readonly number[],
): Promise<Float32Array> {
  const slope = new Float32Array(pattern.length);
  const shown = pictureRows(batch, pictures);
  const values = pictures.map((picture) => changed(picture, pattern, picture.places.shared));
  await show(shown, values);
  const slopes = await batch.gradient(shown.embeds, answers);
  for (const [row, picture] of pictures.entries()) {
    const gradient = await picture.gradient(values[row]!, arriving(shown, row, slopes));
    for (const [i, rise] of gradient.entries()) {
      const [black, white] = boundsAt(picture, i);
      const value = values[row]![i]!;
      // What is black cannot become darker: this picture does not care whether the pattern does.
      const stuck = rise < 0 ? value <= Math.fround(black) : value >= Math.fround(white);
      if (!stuck) slope[picture.places.shared[i]!]! += rise * (white - black);
    }
  }
  return slope;
}

async function embedsUnder(batch: AttackBatch, pattern: Float32Array): Promise<Float32Array> {
  const shown = pictureRows(batch, (await batch.pictures())!);
  await show(
    shown,
    shown.pictures.map((picture) => changed(picture, pattern, picture.places.shared)),
  );
  return shown.embeds;
}

/** Levels [channels, height, width] around 128, as rows of pixels. */
function pictureOf(levels: Float32Array, { channels, height, width }: PlaneSize): ByteImage {
  const plane = height * width;
  const data = new Uint8Array(levels.length);
  for (const [i, level] of levels.entries())
    data[(i % plane) * channels + Math.floor(i / plane)] = 128 + level;
  return { width, height, channels, data };
}
