import { type PerturbedSample, TaskKind } from '../../schemas/benchmark.ts';
import { chancesOf } from '../answers.ts';
import { ATTACK_ROWS, type AttackBatch } from '../attack-samples.ts';
import type { AnswerGradients } from '../gradient.ts';
import type { OpenPicture } from '../pixels.ts';
import type { Decoder, DecoderBatch } from './decoder.ts';
import { type Embedder, type Row, wholeOf } from './rows.ts';
import { batchesByLength, RUN_TOKENS } from './schedule.ts';

/** Lengths are padded to a multiple of this, so that few programs are built. */
const STEP = 32;

export interface Attacked {
  decoder: Decoder;
  embedder: Embedder;
  gradients: AnswerGradients;
  imageToken: number;
  /** Opens a sample's picture whose features stand at these places; null where pixels are out of reach. */
  openPicture(sample: PerturbedSample, slots: readonly number[]): Promise<OpenPicture | null>;
}

/** Questions in batches that an attack can work on, of at most `size` rows. */
export async function* attackBatches(
  { decoder, embedder, gradients, imageToken, openPicture }: Attacked,
  rows: readonly Row[],
  samples: readonly PerturbedSample[],
  size = ATTACK_ROWS,
): AsyncGenerator<AttackBatch> {
  for (const batch of batchesByLength(rows, ({ ids }) => paddedLength(ids.length), size)) {
    const length = paddedLength(Math.max(...batch.map(({ ids }) => ids.length)));
    const count = Math.max(1, Math.min(size, Math.floor(RUN_TOKENS / length)));
    const spans = batch.map(wholeOf);
    const tokens = await embedder.batch(spans, decoder.axes, undefined, length);
    // A program takes one shape: a batch that is not full is filled up with its first row.
    const filled = [...spans, ...Array.from({ length: count - spans.length }, () => spans[0]!)];
    const full = await embedder.batch(filled, decoder.axes, undefined, length);
    yield {
      indices: batch.map(({ index }) => index),
      embeds: tokens.embeds,
      mask: irrelevantTokens(batch, samples, length, imageToken),
      letters: batch.map(({ letters }) => letters),
      gradient: (embeds, answers) => gradientOf(decoder, gradients, full, embeds, answers),
      async pictures() {
        const opened: OpenPicture[] = [];
        for (const { ids, index } of batch) {
          const slots = [...ids.keys()].filter((at) => ids[at] === imageToken);
          const picture = await openPicture(samples[index]!, slots);
          if (!picture) return null;
          opened.push(picture);
        }
        return opened;
      },
      async chances(embeds) {
        const logits = await decoder.lastLogits({ ...tokens, embeds });
        const vocabulary = logits.length / tokens.rows;
        return batch.map(({ letters }, i) =>
          chancesOf(logits.subarray(i * vocabulary, (i + 1) * vocabulary), letters),
        );
      },
    };
  }
}

export function paddedLength(length: number): number {
  return Math.ceil(length / STEP) * STEP;
}

async function gradientOf(
  decoder: Decoder,
  gradients: AnswerGradients,
  full: DecoderBatch,
  embeds: Float32Array,
  answers: readonly number[],
): Promise<Float32Array> {
  full.embeds.set(embeds);
  const filler = Array.from({ length: full.rows - answers.length }, () => answers[0]!);
  const { gradient } = await gradients.at(decoder.feeds(full), [...answers, ...filler]);
  return gradient.subarray(0, embeds.length);
}

/** [rows, length]: of image-heavy questions every token behind the picture, of text-heavy ones the picture's. */
export function irrelevantTokens(
  rows: readonly Row[],
  samples: readonly PerturbedSample[],
  length: number,
  imageToken: number,
): Uint8Array {
  const mask = new Uint8Array(rows.length * length);
  for (const [i, { ids, index, prefix }] of rows.entries()) {
    const imageHeavy = samples[index]!.taskKind === TaskKind.ImageHeavy;
    for (const [at, id] of ids.entries()) {
      if (imageHeavy ? at >= prefix : id === imageToken) mask[i * length + at] = 1;
    }
  }
  return mask;
}
