import type { Tensor } from '../engine/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';

/** Rows of one run of the decoder, embedded. */
export interface Group {
  samples: readonly PerturbedSample[];
  /** [rows, length, width], image features in place. */
  embeds: Float32Array;
  /** What the decoder takes with such embeddings: mask, positions, an empty cache. */
  feeds(embeds: Float32Array): Record<string, Tensor>;
  /** Token ids of the right answers, int64 [rows]. */
  answers: Tensor;
  /** [rows, length]: 1 at the tokens of the modality that must not decide. */
  irrelevant: Uint8Array;
  /** For each row the places [start, end) of its tokens; the rest is padding. */
  spans: readonly (readonly [number, number])[];
  /** [rows * length]: ids of the embeddings that the table gave, -1 at padding and images. */
  tableIds: Int32Array;
}

/** Samples that run together: rows [0, pairs) are clean, rows [pairs, 2 pairs) the same samples perturbed. */
export interface Chunk {
  samples: PerturbedSample[];
  pairs: number;
}

/**
 * Cuts rows into chunks of at most `rows`, a pair never apart, since its two answers are compared. With `rows` null
 * everything is one chunk.
 */
export function chunksOf({ samples, pairs }: Chunk, rows: number | null): Chunk[] {
  if (rows === null || samples.length <= rows) return samples.length > 0 ? [{ samples, pairs }] : [];
  const chunks: Chunk[] = [];
  const perChunk = Math.floor(rows / 2);
  for (let at = 0; at < pairs; at += perChunk) {
    const count = Math.min(perChunk, pairs - at);
    const clean = samples.slice(at, at + count);
    const perturbed = samples.slice(pairs + at, pairs + at + count);
    chunks.push({ samples: [...clean, ...perturbed], pairs: count });
  }
  const rest = samples.slice(2 * pairs);
  for (let at = 0; at < rest.length; at += rows)
    chunks.push({ samples: rest.slice(at, at + rows), pairs: 0 });
  return chunks;
}
