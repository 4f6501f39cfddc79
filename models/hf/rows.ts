import { float32Of, int64, type Tensor } from '../../engine/index.ts';
import { openFile, type Runner } from '../session.ts';
import type { DecoderBatch, Past } from './decoder.ts';
import type { Family } from './family.ts';
import type { Features } from './images.ts';
import type { PromptTokens } from './prompt.ts';

/** A question as the decoder sees it. */
export interface Row extends PromptTokens {
  /** Its place in the list of samples. */
  index: number;
  features: Features | null;
  /** By axis. */
  positions: readonly Int32Array[];
  /** Token ids of the options' letters. */
  letters: readonly number[];
}

/** A part of a row's tokens: [from, to). */
export interface Span {
  row: Row;
  from: number;
  to: number;
}

export function wholeOf(row: Row): Span {
  return { row, from: 0, to: row.ids.length };
}

/** Looks token embeddings up and puts picture features among them. */
export class Embedder {
  private readonly runner: Runner;
  private readonly family: Family;
  private readonly width: number;

  private constructor(runner: Runner, family: Family, width: number) {
    this.runner = runner;
    this.family = family;
    this.width = width;
  }

  static async open(path: string, family: Family, width: number, threads: number): Promise<Embedder> {
    // A lookup of a table that is fed by tokens and read at once: the host is the place for it on every device.
    return new Embedder(await openFile(path, threads), family, width);
  }

  /** A batch of equally long pasts, padded on the right to `length`, by default that of the longest span. */
  async batch(
    spans: readonly Span[],
    axes: 1 | 3,
    past?: Past,
    length = Math.max(...spans.map(({ from, to }) => to - from)),
  ): Promise<DecoderBatch> {
    const rows = spans.length;
    const lengths = spans.map(({ from, to }) => to - from);
    const ids = new BigInt64Array(rows * length);
    const positions = new BigInt64Array(axes * rows * length);
    for (const [i, { from, row, to }] of spans.entries()) {
      for (let at = from; at < to; at++) {
        ids[i * length + at - from] = BigInt(row.ids[at] as number);
        for (let axis = 0; axis < axes; axis++) {
          const place = (axis * rows + i) * length + at - from;
          positions[place] = BigInt(row.positions[axis % row.positions.length]?.[at] as number);
        }
      }
    }
    const embeds = await this.embed({ dtype: 'int64', dims: [rows, length], data: ids });
    for (const [i, span] of spans.entries()) this.place(embeds, i * length, span);
    return { rows, length, embeds, lengths, positions, ...(past ? { past } : {}) };
  }

  /** Embeddings [ids, width] of tokens. */
  lookUp(ids: readonly number[]): Promise<Float32Array> {
    return this.embed(int64([1, ids.length], ids));
  }

  close(): Promise<void> {
    return this.runner.close();
  }

  private async embed(ids: Tensor): Promise<Float32Array> {
    const results = await this.runner.run({ [this.runner.inputs[0] as string]: ids });
    return float32Of(Object.values(results)[0] as Tensor);
  }

  private place(embeds: Float32Array, start: number, { from, row, to }: Span): void {
    const { features, ids } = row;
    if (!features) return;
    const { width } = this;
    let slot = 0;
    for (let at = 0; at < to; at++) {
      if (ids[at] !== this.family.imageToken) continue;
      if (at >= from) {
        embeds.set(features.data.subarray(slot * width, (slot + 1) * width), (start + at - from) * width);
      }
      slot++;
    }
  }
}
