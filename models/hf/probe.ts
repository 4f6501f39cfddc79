import { Random } from '../../random/index.ts';
import type { Decoder, DecoderBatch } from './decoder.ts';
import { gatherPasts } from './past.ts';

/** How a decoder may be run without its answers changing. */
export interface Abilities {
  /** Rows of different lengths together. Not where activations are quantised by their range in the whole run. */
  batches: boolean;
  /** Rows that may go on from a cache together: none, one alone, or many. */
  fromCache: 'none' | 'single' | 'many';
}

/** Largest difference of logits, over the largest of them, that counts as none. */
const SAME = 2e-3;
const lengths = [7, 5];
const shared = 3;

/**
 * Finds out by trying. Exports differ: quantised activations make rows depend on each other, and kernels of grouped
 * attention take a cache for a single row only.
 */
export async function probe(decoder: Decoder): Promise<Abilities> {
  const random = new Random(1, 'probe');
  const tokens = lengths.map((length) =>
    Float32Array.from({ length: length * decoder.width }, () => random.normal()),
  );
  const alone = await Promise.all(
    lengths.map((_, i) => decoder.lastLogits(batchOf(decoder, tokens, [i], 0))),
  );
  const same = async (rows: number[], logits: () => Promise<Float32Array>) => {
    const found = await logits().catch(() => undefined);
    if (!found) return false;
    const wanted = rows.map((i) => alone[i] as Float32Array);
    const top = Math.max(...wanted.flatMap((row) => [...row].map(Math.abs)));
    return wanted.every((row, i) =>
      row.every((x, j) => Math.abs(x - (found[i * row.length + j] as number)) <= SAME * top),
    );
  };
  const goesOn = (rows: number[]) =>
    same(rows, async () => {
      const prefixes = await Promise.all(
        rows.map((i) => decoder.cache(batchOf(decoder, tokens, [i], 0, shared))),
      );
      const past = gatherPasts(prefixes.map((prefix) => ({ past: prefix, row: 0 })));
      return decoder.lastLogits({ ...batchOf(decoder, tokens, rows, shared), past });
    });
  const batches = await same([0, 1], () => decoder.lastLogits(batchOf(decoder, tokens, [0, 1], 0)));
  if (!decoder.takesPast || !(await goesOn([0]))) return { batches, fromCache: 'none' };
  return { batches, fromCache: batches && (await goesOn([0, 1])) ? 'many' : 'single' };
}

/** Tokens `from` to `to` of the rows named. */
function batchOf(
  { axes, width }: Decoder,
  tokens: readonly Float32Array[],
  chosen: readonly number[],
  from: number,
  to = Number.POSITIVE_INFINITY,
): DecoderBatch {
  const counts = chosen.map((i) => Math.min(lengths[i] as number, to) - from);
  const length = Math.max(...counts);
  const rows = chosen.length;
  const embeds = new Float32Array(rows * length * width);
  const positions = new BigInt64Array(axes * rows * length);
  for (const [row, i] of chosen.entries()) {
    const count = counts[row] as number;
    embeds.set(
      (tokens[i] as Float32Array).subarray(from * width, (from + count) * width),
      row * length * width,
    );
    for (let axis = 0; axis < axes; axis++) {
      for (let at = 0; at < count; at++) positions[(axis * rows + row) * length + at] = BigInt(from + at);
    }
  }
  return { rows, length, embeds, lengths: counts, positions };
}
