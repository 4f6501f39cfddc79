import { float32Of, type Tensor } from '../../engine/index.ts';
import type { PerturbedSample } from '../../schemas/benchmark.ts';
import { irrelevantTokens, paddedLength } from './attack.ts';
import type { Decoder, DecoderBatch } from './decoder.ts';
import { type Embedder, type Row, wholeOf } from './rows.ts';

/** Questions as a loss over the decoder's logits runs them together. */
export interface TrainingBatch {
  length: number;
  /** [rows, length, width], image features in place, padded on the right. */
  embeds: Float32Array;
  /** Tokens of each row; the rest is padding. */
  lengths: readonly number[];
  /** What `decoderGraph` reads with such embeddings, in float32 where the file has halves. */
  feeds(embeds: Float32Array): Record<string, Tensor>;
  /** For each row the token ids of its options' letters. */
  letters: readonly (readonly number[])[];
  /** [rows, length]: 1 at the tokens of the modality that must not decide. */
  irrelevant: Uint8Array;
}

export async function trainingBatch(
  { decoder, embedder, imageToken }: { decoder: Decoder; embedder: Embedder; imageToken: number },
  rows: readonly Row[],
  samples: readonly PerturbedSample[],
): Promise<TrainingBatch> {
  const length = commonLength(rows);
  const batch = await embedder.batch(rows.map(wholeOf), decoder.axes, undefined, length);
  return {
    length,
    embeds: batch.embeds,
    lengths: batch.lengths,
    feeds: (embeds) => feedsInFloat32(decoder, { ...batch, embeds }),
    letters: rows.map(({ letters }) => letters),
    irrelevant: irrelevantTokens(rows, samples, length, imageToken),
  };
}

/** The length that rows are padded to. */
export function commonLength(rows: readonly Row[]): number {
  return paddedLength(Math.max(...rows.map(({ ids }) => ids.length)));
}

/** Feeds of full rows, for their shapes alone. */
export function blankFeeds(decoder: Decoder, rows: number, length: number): Record<string, Tensor> {
  const { axes, width } = decoder;
  const positions = BigInt64Array.from({ length: axes * rows * length }, (_, i) => BigInt(i % length));
  const lengths = new Array<number>(rows).fill(length);
  return feedsInFloat32(decoder, {
    rows,
    length,
    embeds: new Float32Array(rows * length * width),
    lengths,
    positions,
  });
}

function feedsInFloat32(decoder: Decoder, batch: DecoderBatch): Record<string, Tensor> {
  const feeds = Object.entries(decoder.feeds(batch)).map(([name, tensor]) => {
    const half = tensor.dtype === 'float16';
    return [name, half ? { ...tensor, dtype: 'float32' as const, data: float32Of(tensor) } : tensor] as const;
  });
  return Object.fromEntries(feeds);
}
