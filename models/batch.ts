import { optionLetters, type Sample } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { NotTaken, tooLong } from './answers.ts';
import type { ModelFolder } from './folder.ts';
import { promptOf } from './prompt.ts';

/** Lengths are padded to a multiple of this, so that few shapes (and programs) occur. */
export const LENGTH_STEP = 16;

/** A sample as the decoder sees it: image slots, then the prompt's tokens. */
export interface Sequence {
  /** Token ids; an image slot holds the image token's id. */
  ids: Int32Array;
  /** Image slots at the start; 0 without an image. */
  imageSlots: number;
  /** Token ids of the options' letters, in the options' order. */
  letters: number[];
}

/** Rows of equal length, left padded; row-major [rows, length]. */
export interface TokenBatch {
  rows: number;
  length: number;
  inputIds: BigInt64Array;
  /** 1 where a token stands, 0 where padding does. */
  attentionMask: BigInt64Array;
  /** Counts tokens from 0; padding has 0. */
  positionIds: BigInt64Array;
  /** For each row the index of its first token. */
  starts: number[];
}

/**
 * The token sequence of a sample: `[image slots][prompt]`. Throws GuardError BAD_INPUT, naming the sample, where its text
 * holds the image token, where it is longer than the model allows, or where an option's letter is no token.
 */
export function sequenceOf(sample: Sample, model: Pick<ModelFolder, 'config' | 'tokenizer'>): Sequence {
  const { config, tokenizer } = model;
  const text = tokenizer.encode(promptOf(sample));
  const fail = (what: string) => new GuardError(ErrorCode.BadInput, `sample '${sample.id}': ${what}`);
  if (text.includes(config.image_token_index)) {
    throw new NotTaken(
      sample.id,
      'its text holds the token that stands for an image; remove it from context, question and options',
    );
  }
  const slots = sample.image ? config.image_seq_length : 0;
  const limit = config.text_config.max_position_embeddings;
  if (slots + text.length > limit) throw tooLong(sample.id, slots + text.length, limit);
  const ids = new Int32Array(slots + text.length).fill(config.image_token_index, 0, slots);
  ids.set(text, slots);
  const letters = sample.options.map((_, i) => {
    const letter = optionLetters[i] as string;
    const id = tokenizer.id(letter);
    if (id === undefined)
      throw fail(`the model's vocabulary has no token for option ${letter}; give fewer options`);
    return id;
  });
  return { ids, imageSlots: slots, letters };
}

/** The padded length of a batch with such a longest sequence. */
export function paddedLength(longest: number): number {
  return Math.max(LENGTH_STEP, Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP);
}

/** Left pads sequences to `length` (by default the longest, rounded up), so that every row's answer is read at the last position. */
export function padBatch(
  sequences: readonly Sequence[],
  padToken: number,
  length = paddedLength(Math.max(...sequences.map((s) => s.ids.length))),
): TokenBatch {
  const rows = sequences.length;
  const inputIds = new BigInt64Array(rows * length).fill(BigInt(padToken));
  const attentionMask = new BigInt64Array(rows * length);
  const positionIds = new BigInt64Array(rows * length);
  const starts = sequences.map(({ ids }, row) => {
    const start = length - ids.length;
    for (let i = 0; i < ids.length; i++) {
      const at = row * length + start + i;
      inputIds[at] = BigInt(ids[i]!);
      attentionMask[at] = 1n;
      positionIds[at] = BigInt(i);
    }
    return start;
  });
  return { rows, length, inputIds, attentionMask, positionIds, starts };
}

/** Indices of the sequences, grouped by padded length (shortest first), at most `size` a group. */
export function bucketByLength(sequences: readonly Sequence[], size: number): number[][] {
  const buckets = new Map<number, number[]>();
  for (const [i, { ids }] of sequences.entries()) {
    const length = paddedLength(ids.length);
    const bucket = buckets.get(length);
    if (bucket) bucket.push(i);
    else buckets.set(length, [i]);
  }
  const groups: number[][] = [];
  for (const [, indices] of [...buckets].sort(([a], [b]) => a - b)) {
    for (let i = 0; i < indices.length; i += size) groups.push(indices.slice(i, i + size));
  }
  return groups;
}
