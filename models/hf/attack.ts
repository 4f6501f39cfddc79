import { loadGraph } from '../../engine/index.ts';
import { type PerturbedSample, TaskKind } from '../../schemas/benchmark.ts';
import { chancesOf } from '../answers.ts';
import { ATTACK_ROWS, type AttackBatch, slopesOf } from '../attacks/batch.ts';
import type { OpenPicture } from '../attacks/pictures.ts';
import { type EncoderGradients, GraphGradients } from '../attacks/pixel-gradients.ts';
import type { Words } from '../attacks/words.ts';
import { AnswerGradients } from '../gradient.ts';
import { qFormerGradients } from '../instructblip/vision.ts';
import { questionText } from '../prompt.ts';
import type { DecoderBatch } from './decoder.ts';
import type { FolderParts } from './folder.ts';
import { type Row, wholeOf } from './rows.ts';
import { batchesByLength, RUN_TOKENS } from './schedule.ts';
import { folderWords } from './words.ts';

/** Lengths are padded to a multiple of this, so that few programs are built. */
const STEP = 32;

/** A model folder, open to attacks on its embeddings, pictures and words. */
export class Attacks {
  private readonly parts: FolderParts;
  private gradients: Promise<AnswerGradients> | undefined;
  private pixelGradients: Promise<EncoderGradients> | undefined;
  private found: Promise<Words> | undefined;

  constructor(parts: FolderParts) {
    this.parts = parts;
  }

  words(): Promise<Words> {
    this.found ??= folderWords(this.parts.folder, this.parts);
    return this.found;
  }

  /** Rows of samples in batches that an attack can work on, of at most `size` rows. */
  async *batches(
    rows: readonly Row[],
    samples: readonly PerturbedSample[],
    size = ATTACK_ROWS,
  ): AsyncGenerator<AttackBatch> {
    for (const batch of batchesByLength(rows, ({ ids }) => paddedLength(ids.length), size))
      yield await this.open(batch, samples, size);
  }

  async close(): Promise<void> {
    // What could not be read was said when it was asked for.
    await (await this.gradients?.catch(() => null))?.close();
    await (await this.pixelGradients?.catch(() => null))?.close();
  }

  private async open(
    batch: readonly Row[],
    samples: readonly PerturbedSample[],
    size: number,
  ): Promise<AttackBatch> {
    const { decoder, embedder, family } = this.parts;
    const length = paddedLength(Math.max(...batch.map(({ ids }) => ids.length)));
    const count = Math.max(1, Math.min(size, Math.floor(RUN_TOKENS / length)));
    const spans = batch.map(wholeOf);
    const tokens = await embedder.batch(spans, decoder.axes, undefined, length);
    // A program takes one shape: a batch that is not full is filled up with its first row.
    const filled = [...spans, ...Array.from({ length: count - spans.length }, () => spans[0]!)];
    const full = await embedder.batch(filled, decoder.axes, undefined, length);
    return {
      indices: batch.map(({ index }) => index),
      ids: idsOf(batch, length),
      embeds: tokens.embeds,
      mask: irrelevantTokens(batch, samples, length, family.imageToken),
      letters: batch.map(({ letters }) => letters),
      gradient: (embeds, answers) => this.gradient(full, embeds, answers),
      slopes: (embeds, directions) =>
        slopesOf(
          batch.map(({ letters }) => letters),
          directions,
          count,
          embeds.length,
          async (classes, all) => {
            full.embeds.set(embeds);
            return (await this.differentiated()).ofLogits(decoder.feeds(full), classes, all);
          },
        ),
      pictures: () => this.pictures(batch, samples),
      async chances(embeds) {
        const logits = await decoder.lastLogits({ ...tokens, embeds });
        const vocabulary = logits.length / tokens.rows;
        return batch.map(({ letters }, i) =>
          chancesOf(logits.subarray(i * vocabulary, (i + 1) * vocabulary), letters),
        );
      },
    };
  }

  private async gradient(
    full: DecoderBatch,
    embeds: Float32Array,
    answers: readonly number[],
  ): Promise<Float32Array> {
    full.embeds.set(embeds);
    const filler = Array.from({ length: full.rows - answers.length }, () => answers[0]!);
    const feeds = this.parts.decoder.feeds(full);
    const { gradient } = await (await this.differentiated()).at(feeds, [...answers, ...filler]);
    return gradient.subarray(0, embeds.length);
  }

  private differentiated(): Promise<AnswerGradients> {
    const { decoder } = this.parts;
    this.gradients ??= decoder
      .graph()
      .then((graph) => new AnswerGradients(graph, decoder.threads, decoder.device));
    return this.gradients;
  }

  private async pictures(
    batch: readonly Row[],
    samples: readonly PerturbedSample[],
  ): Promise<OpenPicture[] | null> {
    const { family, images, vision } = this.parts;
    this.pixelGradients ??= this.vision();
    const reach = { gradients: await this.pixelGradients, range: vision.range };
    const opened: OpenPicture[] = [];
    for (const { ids, index } of batch) {
      const sample = samples[index]!;
      const slots = [...ids.keys()].filter((at) => ids[at] === family.imageToken);
      const picture =
        sample.image && (await images.openPicture(sample.image, questionText(sample), slots, reach));
      if (!picture) return null;
      opened.push(picture);
    }
    return opened;
  }

  private async vision(): Promise<EncoderGradients> {
    const { decoder, vision } = this.parts;
    const tower = new GraphGradients(await loadGraph(vision.path), decoder.threads);
    if (!vision.qformer) return tower;
    const { path, tower: runner } = vision.qformer;
    return qFormerGradients(runner, tower, new GraphGradients(await loadGraph(path), decoder.threads));
  }
}

export function paddedLength(length: number): number {
  return Math.ceil(length / STEP) * STEP;
}

/** [rows, length], 0 at padding. */
function idsOf(rows: readonly Row[], length: number): BigInt64Array {
  const all = new BigInt64Array(rows.length * length);
  for (const [i, { ids }] of rows.entries()) all.set(BigInt64Array.from(ids, BigInt), i * length);
  return all;
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
