import { Random } from '../random/index.ts';
import { labelOf, type PerturbedSample, type Prediction, TaskKind } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { RunOptions } from './answer-model.ts';
import { predictionOf } from './answers.ts';
import { type AttackKind, attackEmbeddings, type EmbeddingAttack, maskedPower } from './attack.ts';
import { attackPixels, type OpenPicture } from './pixels.ts';
import { attackUniversally } from './universal.ts';

export interface AttackOptions extends RunOptions {
  attack: AttackKind;
  /** Largest change of an embedding's component. */
  eps: number;
  alpha: number;
  steps: number;
  seed: number;
  /** Times that each attack begins anew from other noise; the one that leaves the answer the least chance counts. Default 1. */
  restarts?: number | undefined;
  /** Steps of `universal`; default 10. */
  universalSteps?: number | undefined;
}

export interface AttackResult {
  predictions: Prediction[];
  /** `eps` over the root mean square of the embeddings attacked. */
  epsRelative: number;
}

/** Rows of an attack's batch where none are asked for. */
export const ATTACK_ROWS = 16;

/** Embedded questions of one length, open to an attack. */
export interface AttackBatch {
  /** Places of the rows in the list of samples. */
  indices: readonly number[];
  /** [rows, length, width]. */
  embeds: Float32Array;
  /** [rows, length]: 1 at the tokens of the modality that must not decide. */
  mask: Uint8Array;
  /** Token ids of each row's option letters. */
  letters: readonly (readonly number[])[];
  /** Gradient of each row's own loss, of these answers (token ids), by the embeddings. */
  gradient(embeds: Float32Array, answers: readonly number[]): Promise<Float32Array>;
  /** Softmax over each row's option letters. */
  chances(embeds: Float32Array): Promise<number[][]>;
  /** The rows' pictures, where the way from their pixels to the features can be differentiated. */
  pictures?(): Promise<OpenPicture[] | null>;
}

/**
 * Answers under an attack on the embeddings of the irrelevant modality: every text token of an image-heavy sample,
 * the image tokens of a text-heavy one. A sample's noise depends on the seed and its id alone.
 * Throws GuardError BAD_INPUT naming a sample of another kind or a text-heavy one without an image.
 */
export async function attackSamples(
  batches: AsyncIterable<AttackBatch>,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  for (const sample of samples) checkAttackable(sample);
  const { attack: kind } = options;
  if (kind === 'pixels') return attackPixels(batches, samples, options);
  if (kind === 'universal') return attackUniversally(batches, samples, options);
  const predictions: Prediction[] = new Array(samples.length);
  const power = { squares: 0, count: 0 };
  for await (const batch of batches) {
    const rows = batch.indices.map((i) => samples[i]!);
    const { squares, count } = maskedPower(batch.embeds, batch.mask);
    power.squares += squares;
    power.count += count;
    for (let restart = 0; restart < (options.restarts ?? 1); restart++) {
      const attacked = await attackBatch(batch, rows, { ...options, kind, restart });
      for (const [row, chances] of (await batch.chances(attacked)).entries()) {
        const found = predictionOf(rows[row]!, chances);
        predictions[batch.indices[row]!] = stronger(predictions[batch.indices[row]!], found);
      }
    }
  }
  const rms = Math.sqrt(power.squares / Math.max(1, power.count));
  return { predictions, epsRelative: rms > 0 ? options.eps / rms : 0 };
}

function checkAttackable({ id, taskKind, image }: PerturbedSample): void {
  if (taskKind === TaskKind.Vqa) {
    throw new GuardError(
      ErrorCode.BadInput,
      `sample '${id}' needs both modalities (${taskKind}): there is none to attack; leave such samples out`,
    );
  }
  if (taskKind === TaskKind.TextHeavy && !image) {
    throw new GuardError(
      ErrorCode.BadInput,
      `sample '${id}' is text-heavy and has no image to attack; attack it under an image perturbation such as switch`,
    );
  }
}

/** Token ids of the right answers of a batch's rows. */
export function answersOf({ letters }: AttackBatch, rows: readonly PerturbedSample[]): number[] {
  return rows.map((sample, row) => letters[row]![labelOf(sample)]!);
}

/** The attack that leaves the right answer the least chance. */
export function stronger(before: Prediction | undefined, found: Prediction): Prediction {
  if (!before || found.answer === null) return before ?? found;
  return found.probabilities[found.answer]! < before.probabilities[found.answer]! ? found : before;
}

async function attackBatch(
  batch: AttackBatch,
  samples: readonly PerturbedSample[],
  options: AttackOptions & { kind: EmbeddingAttack['kind']; restart: number },
): Promise<Float32Array> {
  const { alpha, eps, kind, restart, seed, steps } = options;
  // The first noise is that of an attack without restarts.
  const again = restart === 0 ? [] : [restart];
  const random = samples.map(
    ({ id, perturbation }) => new Random(seed, 'attack', kind, id, perturbation, ...again),
  );
  const answers = answersOf(batch, samples);
  const gradient = (embeds: Float32Array) => batch.gradient(embeds, answers);
  const { embeds, mask } = batch;
  return attackEmbeddings({ gradient, embeds, mask, eps, alpha, steps, kind, random });
}
