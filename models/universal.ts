import { Random } from '../random/index.ts';
import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { predictionOf } from './answers.ts';
import { maskedPower } from './attack.ts';
import { type AttackBatch, type AttackOptions, type AttackResult, answersOf } from './attack-samples.ts';

/** Steps over the whole training half, where none are asked for. */
const usualSteps = 10;
/** The bound is reached in this share of the steps, so that a component can turn round. */
const reach = 0.4;

/** One change for the n-th masked token of every sample, [tokens, width]. */
interface Shared {
  delta: Float32Array;
  width: number;
}

/**
 * Answers of half of the samples under one change that was found on the other half: the n-th token of the irrelevant modality is
 * moved by the same vector in every sample, each component within [-eps, eps]. Found by steps along the sign of the loss's
 * gradient summed over the training half. Halves are drawn by source item, so that none stands in both.
 * Source: Moosavi-Dezfooli et al. 2017, "Universal Adversarial Perturbations"; here in the embedding space, by sign steps.
 * Throws GuardError BAD_INPUT where there are fewer than two source items.
 */
export async function attackUniversally(
  batches: AsyncIterable<AttackBatch>,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  const { eps, seed, universalSteps: steps = usualSteps } = options;
  const training = trainingHalf(samples, seed);
  const all: AttackBatch[] = [];
  for await (const batch of batches) all.push(batch);
  const shared = startOf(all, eps, new Random(seed, 'attack', 'universal', 'start'));
  const learning = all.filter(({ indices }) => indices.some((i) => training.has(samples[i]!.source)));
  for (let step = 0; step < steps; step++) {
    const slope = new Float32Array(shared.delta.length);
    for (const batch of learning) {
      const answers = answersOf(
        batch,
        batch.indices.map((i) => samples[i]!),
      );
      const gradient = await batch.gradient(moved(batch, shared), answers);
      const rows = batch.indices.map((i) => training.has(samples[i]!.source));
      eachMasked(batch, shared.width, (row, to, from) => {
        if (!rows[row]) return;
        for (let i = 0; i < shared.width; i++) slope[to + i]! += gradient[from + i]!;
      });
      if (options.aborted?.()) break;
    }
    const size = eps / (reach * steps);
    for (const [i, rise] of slope.entries()) {
      shared.delta[i] = Math.min(eps, Math.max(-eps, shared.delta[i]! + size * Math.sign(rise)));
    }
  }
  return answersUnder(all, samples, { eps, shared, training });
}

async function answersUnder(
  all: readonly AttackBatch[],
  samples: readonly PerturbedSample[],
  { eps, shared, training }: { eps: number; shared: Shared; training: ReadonlySet<string> },
): Promise<AttackResult> {
  const found: [number, Prediction][] = [];
  const power = { squares: 0, count: 0 };
  for (const batch of all) {
    const { count, squares } = maskedPower(batch.embeds, batch.mask);
    power.squares += squares;
    power.count += count;
    const chances = await batch.chances(moved(batch, shared));
    for (const [row, i] of batch.indices.entries()) {
      const sample = samples[i]!;
      if (!training.has(sample.source)) found.push([i, predictionOf(sample, chances[row]!)]);
    }
  }
  const rms = Math.sqrt(power.squares / Math.max(1, power.count));
  const predictions = found.sort(([a], [b]) => a - b).map(([, prediction]) => prediction);
  return { predictions, epsRelative: rms > 0 ? eps / rms : 0 };
}

function trainingHalf(samples: readonly PerturbedSample[], seed: number): Set<string> {
  const sources = [...new Set(samples.map(({ source }) => source))].sort();
  if (sources.length < 2) {
    throw new GuardError(
      ErrorCode.BadInput,
      `a universal attack is found on one half of the samples and measured on the other: expected samples of two sources or more, found ${sources.length}`,
    );
  }
  const order = new Random(seed, 'attack', 'universal', 'halves').shuffle(sources);
  return new Set(order.slice(0, Math.floor(order.length / 2)));
}

/** Calls with each masked token's row, its place in the shared change and its place in the embeddings. */
function eachMasked(
  { embeds, indices, mask }: AttackBatch,
  width: number,
  use: (row: number, to: number, from: number) => void,
): void {
  const length = embeds.length / width / indices.length;
  for (let row = 0; row < indices.length; row++) {
    let place = 0;
    for (let token = row * length; token < (row + 1) * length; token++) {
      if (mask[token]) use(row, place++ * width, token * width);
    }
  }
}

function startOf(all: readonly AttackBatch[], eps: number, random: Random): Shared {
  const width = all[0]!.embeds.length / all[0]!.mask.length;
  let size = 0;
  for (const batch of all) eachMasked(batch, width, (_row, to) => (size = Math.max(size, to + width)));
  return { width, delta: Float32Array.from({ length: size }, () => eps * (2 * random.uniform() - 1)) };
}

function moved(batch: AttackBatch, { delta, width }: Shared): Float32Array {
  const result = batch.embeds.slice();
  eachMasked(batch, width, (_row, to, from) => {
    for (let i = 0; i < width; i++) result[from + i]! += delta[to + i]!;
  });
  return result;
}
