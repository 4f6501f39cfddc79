import { Random } from '../random/index.ts';
import { labelOf, type PerturbedSample, type Prediction, TaskKind } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { RunOptions } from './answer-model.ts';
import { predictionOf } from './answers.ts';
import { type AttackKind, attackEmbeddings, maskedPower } from './attack.ts';

export interface AttackOptions extends RunOptions {
  attack: AttackKind;
  /** Largest change of an embedding's component. */
  eps: number;
  alpha: number;
  steps: number;
  seed: number;
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
  const predictions: Prediction[] = new Array(samples.length);
  const power = { squares: 0, count: 0 };
  for await (const batch of batches) {
    const rows = batch.indices.map((i) => samples[i]!);
    const { squares, count } = maskedPower(batch.embeds, batch.mask);
    power.squares += squares;
    power.count += count;
    const attacked = await attackBatch(batch, rows, options);
    for (const [row, chances] of (await batch.chances(attacked)).entries()) {
      predictions[batch.indices[row]!] = predictionOf(rows[row]!, chances);
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

async function attackBatch(
  batch: AttackBatch,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<Float32Array> {
  const { attack: kind, eps, alpha, steps, seed } = options;
  const random = samples.map(({ id, perturbation }) => new Random(seed, 'attack', kind, id, perturbation));
  const answers = samples.map((sample, row) => batch.letters[row]![labelOf(sample)]!);
  const gradient = (embeds: Float32Array) => batch.gradient(embeds, answers);
  const { embeds, mask } = batch;
  return attackEmbeddings({ gradient, embeds, mask, eps, alpha, steps, kind, random });
}
