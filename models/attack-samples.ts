import { Random } from '../random/index.ts';
import { labelOf, type PerturbedSample, type Prediction, TaskKind } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { RunOptions } from './answer-model.ts';
import { predictionOf } from './answers.ts';
import { type AttackKind, attackEmbeddings, maskedPower } from './attack.ts';
import { padBatch, type Sequence, type TokenBatch } from './batch.ts';
import type { AnswerGradients } from './gradient.ts';
import type { EmbeddedBatch, Model } from './model.ts';

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

const BATCH_SIZE = 16;

/**
 * Answers under an attack on the embeddings of the irrelevant modality: every text token of an image-heavy sample,
 * the image tokens of a text-heavy one. A sample's noise depends on the seed and its id alone.
 * Throws GuardError BAD_INPUT naming a sample of another kind or a text-heavy one without an image.
 */
export async function attackSamples(
  model: Model,
  gradients: AnswerGradients,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  for (const sample of samples) checkAttackable(sample);
  const predictions: Prediction[] = new Array(samples.length);
  const power = { squares: 0, count: 0 };
  const { batchSize = BATCH_SIZE } = options;
  for await (const batch of model.batches(samples, { ...options, batchSize })) {
    const rows = batch.indices.map((i) => samples[i]!);
    const mask = irrelevantTokens(rows, batch.sequences, batch.tokens);
    const { squares, count } = maskedPower(batch.embeds, mask);
    power.squares += squares;
    power.count += count;
    const attacked = await attackBatch(gradients, batch, rows, mask, batchSize, options);
    for (const [row, chances] of (await model.chances(batch, attacked)).entries()) {
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

/** [rows, length]: 1 at the tokens of the modality that must not decide. */
export function irrelevantTokens(
  samples: readonly Pick<PerturbedSample, 'taskKind'>[],
  sequences: readonly Sequence[],
  tokens: TokenBatch,
): Uint8Array {
  const mask = new Uint8Array(tokens.rows * tokens.length);
  for (const [row, sample] of samples.entries()) {
    const start = row * tokens.length + tokens.starts[row]!;
    const text = start + sequences[row]!.imageSlots;
    if (sample.taskKind === TaskKind.ImageHeavy) mask.fill(1, text, (row + 1) * tokens.length);
    if (sample.taskKind === TaskKind.TextHeavy) mask.fill(1, start, text);
  }
  return mask;
}

async function attackBatch(
  gradients: AnswerGradients,
  batch: EmbeddedBatch,
  samples: readonly PerturbedSample[],
  mask: Uint8Array,
  batchSize: number,
  options: AttackOptions,
): Promise<Float32Array> {
  const { attack: kind, eps, alpha, steps, seed } = options;
  const random = samples.map(({ id, perturbation }) => new Random(seed, 'attack', kind, id, perturbation));
  // A program takes one shape: a group that is not full is filled up with its first row.
  const rows = batch.sequences.length;
  const filler = Array.from({ length: batchSize - rows }, () => batch.sequences[0]!);
  const sequences = [...batch.sequences, ...filler];
  // Only its masks are read, so that any padding token will do.
  const tokens = padBatch(sequences, 0, batch.tokens.length);
  const answers = sequences.map(({ letters }, row) => letters[labelOf(samples[row < rows ? row : 0]!)]!);
  const size = batch.embeds.length / rows;
  const full = new Float32Array(batchSize * size);
  const gradient = async (embeds: Float32Array) => {
    full.set(embeds);
    for (let row = rows; row < batchSize; row++) full.copyWithin(row * size, 0, size);
    return (await gradients.at(full, tokens, answers)).gradient.subarray(0, embeds.length);
  };
  return attackEmbeddings({ gradient, embeds: batch.embeds, mask, eps, alpha, steps, kind, random });
}
