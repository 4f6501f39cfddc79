import { labelOf, type PerturbedSample, type Prediction } from '../../schemas/benchmark.ts';
import type { RunOptions } from '../answer-model.ts';
import { predictionOf } from '../answers.ts';
import type { ByteImage } from '../pillow.ts';
import type { AttackKind } from './embeddings.ts';
import type { OpenPicture } from './pictures.ts';
import type { Words } from './words.ts';

export interface AttackOptions extends RunOptions {
  attack: AttackKind;
  /** Largest change of an embedding's component, or of a pixel's brightness; of `universal_text` the number of tokens. */
  eps: number;
  alpha: number;
  steps: number;
  seed: number;
  /** Times that each attack begins anew from other noise; the one that leaves the answer the least chance counts. Default 1. */
  restarts?: number | undefined;
  /** Steps of `universal` and `universal_pixels`; default 10. */
  universalSteps?: number | undefined;
}

export interface AttackResult {
  predictions: Prediction[];
  /** `eps` over the root mean square of the embeddings attacked; absent where something else was. */
  epsRelative?: number;
  /** Why the model cannot be attacked so; there are no predictions then. */
  leftOut?: string;
  /** Of universal attacks: answers to the same samples under a random change of the same size. */
  control?: Prediction[];
  /** Of `universal_pixels`: the change, -eps to eps as bytes 1 to 255; 128 is none. */
  pattern?: ByteImage;
  /** Of `universal_text`: what was written before the question. */
  trigger?: string;
}

/** Where the way from a picture's pixels to its features cannot be differentiated. */
export const pixelsOutOfReach: AttackResult = {
  predictions: [],
  leftOut:
    "the pictures' numbers are not laid out in a way that is known here (mean and deviation of each channel are needed)",
};

/** Rows of an attack's batch where none are asked for. */
export const ATTACK_ROWS = 16;

/** Embedded questions of one length, open to an attack. */
export interface AttackBatch {
  /** Places of the rows in the list of samples. */
  indices: readonly number[];
  /** [rows, length]: token ids, whatever stands at padding. */
  ids: BigInt64Array;
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
  /** The rows' pictures; null where the way from their pixels to the features cannot be differentiated. */
  pictures(): Promise<OpenPicture[] | null>;
}

/** A model that is open to attacks. */
export interface AttackSource {
  /** Progress is reported after each batch was consumed. Throws GuardError BAD_INPUT naming a bad sample, CANCELLED where asked to stop. */
  batches(samples: readonly PerturbedSample[], options: RunOptions): AsyncIterable<AttackBatch>;
  words(): Promise<Words> | Words;
}

/** Token ids of the right answers of a batch's rows. */
export function answersOf({ indices, letters }: AttackBatch, samples: readonly PerturbedSample[]): number[] {
  return indices.map((i, row) => letters[row]![labelOf(samples[i]!)]!);
}

/** Of what was found for a sample, what leaves the right answer the least chance. */
export function keepStronger(
  predictions: Prediction[],
  { indices }: AttackBatch,
  samples: readonly PerturbedSample[],
  chances: readonly number[][],
): void {
  for (const [row, i] of indices.entries()) {
    const found = predictionOf(samples[i]!, chances[row]!);
    const before = predictions[i];
    const answer = labelOf(samples[i]!);
    if (!before || found.probabilities[answer]! < before.probabilities[answer]!) predictions[i] = found;
  }
}
