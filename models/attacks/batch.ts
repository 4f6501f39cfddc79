import { labelOf, type PerturbedSample, type Prediction } from '../../schemas/benchmark.ts';
import type { RunOptions } from '../answer-model.ts';
import type { LogitGradient } from '../gradient.ts';
import type { ByteImage } from '../pillow.ts';
import type { AttackKind } from './embeddings.ts';
import type { Found } from './found.ts';
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
  /** Steps of each attempt of `strong` and `pixels`, and of the examples of `transfer`; default 8. */
  strongSteps?: number | undefined;
  /** Runs of the model that the search without gradients of `strong` and `pixels` may take for a sample; default 32. */
  queries?: number | undefined;
  /** What `strong` and `pixels` found with less strength, to go on from. */
  found?: Found | undefined;
  /** Of `transfer`: the model that the examples are made on. */
  from?: AttackSource | undefined;
  /** Steps of `universal` and `universal_pixels`; default 10. */
  universalSteps?: number | undefined;
}

export interface AttackResult {
  predictions: Prediction[];
  /** `eps` over the root mean square of the embeddings attacked; absent where something else was. */
  epsRelative?: number;
  /** What was found, for the next strength; it stays in its thread. */
  found?: Found;
  /** Why the model cannot be attacked so; there are no predictions then. */
  leftOut?: string;
  /** Of `strong` and `pixels`: samples that gradients left standing and the search without them fooled. */
  bySearch?: number;
  /** Of universal attacks: answers to the same samples under a random change of the same size. */
  control?: Prediction[];
  /** Of `transfer`: answers of the model that the examples were made on. */
  origin?: Prediction[];
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

export interface Slopes {
  /** [rows][options]. */
  logits: number[][];
  /** [rows, length, width]. */
  gradient: Float32Array;
}

/**
 * Slopes of rows whose options stand for `letters` (token ids), by a program of `count` rows: those that fill it up get no
 * direction. `size`: components of the embeddings of the rows asked for.
 */
export async function slopesOf(
  letters: readonly (readonly number[])[],
  directions: readonly (readonly number[])[],
  count: number,
  size: number,
  ofLogits: (classes: readonly number[], directions: Float32Array) => Promise<LogitGradient>,
): Promise<Slopes> {
  const classes = [...new Set(letters.flat())].sort((a, b) => a - b);
  const places = letters.map((ids) => ids.map((id) => classes.indexOf(id)));
  const all = new Float32Array(count * classes.length);
  for (const [row, own] of places.entries())
    for (const [option, at] of own.entries()) all[row * classes.length + at] = directions[row]![option]!;
  const { gradient, logits } = await ofLogits(classes, all);
  return {
    logits: places.map((own, row) => own.map((at) => logits[row * classes.length + at]!)),
    gradient: gradient.subarray(0, size),
  };
}

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
  /**
   * Each row's logits of its options, and the gradient by the embeddings of the sum of direction times logit;
   * `directions` [rows][options].
   */
  slopes(embeds: Float32Array, directions: readonly (readonly number[])[]): Promise<Slopes>;
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
