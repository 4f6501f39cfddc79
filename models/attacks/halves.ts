import { cancelled } from '../../engine/index.ts';
import { Random } from '../../random/index.ts';
import type { PerturbedSample, Prediction } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { RunOptions } from '../answer-model.ts';
import { predictionOf } from '../answers.ts';
import type { AttackBatch, AttackSource } from './batch.ts';

/** Samples that something universal is found on, and the others that it is measured on. */
export interface Halves {
  training: PerturbedSample[];
  measured: PerturbedSample[];
}

/** Halves are drawn by source item, so that none stands in both. Throws GuardError BAD_INPUT where there are fewer than two. */
export function halvesOf(samples: readonly PerturbedSample[], seed: number): Halves {
  const sources = [...new Set(samples.map(({ source }) => source))].sort();
  if (sources.length < 2) {
    throw new GuardError(
      ErrorCode.BadInput,
      `a universal attack is found on one half of the samples and measured on the other: expected samples of two sources or more, found ${sources.length}`,
    );
  }
  const order = new Random(seed, 'attack', 'universal', 'halves').shuffle(sources);
  const chosen = new Set(order.slice(0, Math.floor(order.length / 2)));
  return {
    training: samples.filter(({ source }) => chosen.has(source)),
    measured: samples.filter(({ source }) => !chosen.has(source)),
  };
}

/** How far a search of several rounds is, and whether it is still wanted. */
export class Course {
  /** For what is run on the way. */
  readonly quiet: RunOptions;
  private readonly options: RunOptions;
  private readonly total: number;
  private readonly rounds: number;
  private done = 0;

  constructor(options: RunOptions, total: number, rounds: number) {
    const { aborted, batchSize } = options;
    this.quiet = { ...(aborted ? { aborted } : {}), ...(batchSize ? { batchSize } : {}) };
    this.options = options;
    this.total = total;
    this.rounds = rounds;
  }

  /** Throws GuardError CANCELLED once the caller wants the work to end. */
  check(): void {
    if (this.options.aborted?.()) throw cancelled('the attack');
  }

  /** After a round. */
  count(): void {
    this.done = Math.min(this.rounds, this.done + 1);
    this.options.onProgress?.({
      done: Math.floor((this.done / this.rounds) * this.total),
      total: this.total,
    });
  }
}

/** Answers of samples whose embeddings are changed, in their order: a round of the search. */
export async function answersUnder(
  source: AttackSource,
  samples: readonly PerturbedSample[],
  course: Course,
  change: (batch: AttackBatch) => Float32Array | Promise<Float32Array>,
): Promise<Prediction[]> {
  const predictions: Prediction[] = new Array(samples.length);
  for await (const batch of source.batches(samples, course.quiet)) {
    const chances = await batch.chances(await change(batch));
    for (const [row, i] of batch.indices.entries()) predictions[i] = predictionOf(samples[i]!, chances[row]!);
  }
  course.count();
  return predictions;
}
