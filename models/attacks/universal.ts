import { Random } from '../../random/index.ts';
import type { PerturbedSample } from '../../schemas/benchmark.ts';
import { Ascent, climb, randomSigns } from './ascent.ts';
import {
  type AttackBatch,
  type AttackOptions,
  type AttackResult,
  type AttackSource,
  answersOf,
} from './batch.ts';
import { MaskedSize } from './embeddings.ts';
import { answersUnder, Course, halvesOf } from './halves.ts';

/** Times that the training half is gone through, where nothing else is asked for. */
export const usualSteps = 10;

/** One change for the n-th masked token of every sample, [tokens, width]. */
interface Shared {
  delta: Float32Array;
  width: number;
}

/**
 * Answers of half of the samples under one change that was found on the other half: the n-th token of the irrelevant modality is
 * moved by the same vector in every sample, each component within [-eps, eps]. Found by ascent over the training half,
 * `universalSteps` times. Source: Moosavi-Dezfooli et al. 2017, "Universal Adversarial Perturbations"; here in the embedding space, by
 * sign steps with momentum.
 * Throws GuardError BAD_INPUT where there are fewer than two source items.
 */
export async function attackUniversally(
  source: AttackSource,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  const { eps, seed, universalSteps: steps = usualSteps } = options;
  const { measured, training } = halvesOf(samples, seed);
  const course = new Course(options, samples.length, steps + 2);
  const learning: AttackBatch[] = [];
  for await (const batch of source.batches(training, course.quiet)) learning.push(batch);
  const { count, width } = sizeOf(learning);
  const random = (what: string) => new Random(seed, 'attack', 'universal', what);
  const ascent = new Ascent(count, eps, steps * learning.length, random('start'));
  const shared = { delta: ascent.change, width };
  await climb(ascent, learning, steps, course, async (batch) => {
    const gradient = await batch.gradient(moved(batch, shared), answersOf(batch, training));
    const slope = new Float32Array(count);
    eachMasked(batch, shared, (to, from) => {
      for (let i = 0; i < width; i++) slope[to + i]! += gradient[from + i]!;
    });
    return slope;
  });
  const size = new MaskedSize();
  const predictions = await answersUnder(source, measured, course, (batch) => {
    size.add(batch);
    return moved(batch, shared);
  });
  const noise = { delta: randomSigns(count, eps, random('control')), width };
  const control = await answersUnder(source, measured, course, (batch) => moved(batch, noise));
  return { predictions, epsRelative: size.relative(eps), control };
}

/** Calls with each masked token's place in the shared change and its place in the embeddings; tokens beyond the change are left alone. */
function eachMasked(
  { embeds, indices, mask }: AttackBatch,
  { delta, width }: Shared,
  use: (to: number, from: number) => void,
): void {
  const length = embeds.length / width / indices.length;
  for (let row = 0; row < indices.length; row++) {
    let place = 0;
    for (let token = row * length; token < (row + 1) * length; token++) {
      if (mask[token] && place < delta.length) {
        use(place, token * width);
        place += width;
      }
    }
  }
}

/** Components of a change for the sample with the most tokens, and for one token. */
function sizeOf(all: readonly AttackBatch[]): { count: number; width: number } {
  const width = all[0]!.embeds.length / all[0]!.mask.length;
  let tokens = 0;
  for (const { indices, mask } of all) {
    const length = mask.length / indices.length;
    for (let row = 0; row < indices.length; row++) {
      const own = mask.subarray(row * length, (row + 1) * length).reduce((sum, masked) => sum + masked, 0);
      tokens = Math.max(tokens, own);
    }
  }
  return { count: tokens * width, width };
}

function moved(batch: AttackBatch, shared: Shared): Float32Array {
  const result = batch.embeds.slice();
  eachMasked(batch, shared, (to, from) => {
    for (let i = 0; i < shared.width; i++) result[from + i]! += shared.delta[to + i]!;
  });
  return result;
}
