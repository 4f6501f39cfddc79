import { type PerturbedSample, TaskKind } from '../../schemas/benchmark.ts';
import type { RunOptions } from '../answer-model.ts';
import { padBatch, type Sequence, type TokenBatch } from '../batch.ts';
import { decoderFeeds } from '../decoder.ts';
import type { AnswerGradients } from '../gradient.ts';
import { renderForMini } from '../mini/render.ts';
import type { EmbeddedBatch, Model } from '../model.ts';
import { ATTACK_ROWS, type AttackBatch, type AttackSource, slopesOf } from './batch.ts';
import { isReadable, type Words } from './words.ts';

/** The mini model, open to attacks. */
export function attackSource(model: Model, gradients: AnswerGradients): AttackSource {
  return {
    batches: (samples, options) => attackBatches(model, gradients, samples, options),
    words: () => wordsOf(model),
  };
}

function wordsOf(model: Model): Words {
  const { tokenizer } = model.files;
  const texts = new Map([...tokenizer.words].filter(([, text]) => isReadable(text)));
  return {
    ids: [...texts.keys()].sort((a, b) => a - b),
    async embeddings(ids) {
      const table = model.embeddingTable;
      const width = model.files.config.text_config.hidden_size;
      const found = new Float32Array(ids.length * width);
      for (const [i, id] of ids.entries()) found.set(table.subarray(id * width, (id + 1) * width), i * width);
      return found;
    },
    spell(ids) {
      const text = ids.map((id) => texts.get(id)).join(' ');
      return tokenizer.encode(renderForMini(text)).join() === ids.join() ? text : null;
    },
  };
}

async function* attackBatches(
  model: Model,
  gradients: AnswerGradients,
  samples: readonly PerturbedSample[],
  options: RunOptions,
): AsyncGenerator<AttackBatch> {
  const { batchSize = ATTACK_ROWS } = options;
  for await (const batch of model.batches(samples, { ...options, batchSize })) {
    const rows = batch.indices.map((i) => samples[i]!);
    yield {
      indices: batch.indices,
      ids: batch.tokens.inputIds,
      embeds: batch.embeds,
      mask: irrelevantTokens(rows, batch.sequences, batch.tokens),
      letters: batch.sequences.map(({ letters }) => letters),
      ...gradientsOf(model, gradients, batch, batchSize),
      pictures: async () =>
        rows.every(({ image }) => image !== null)
          ? Promise.all(rows.map(({ image }, row) => model.openPicture(image!, slotsOf(batch, row))))
          : null,
      chances: (embeds) => model.chances(batch, embeds),
    };
  }
}

/** Places of a row's image tokens. */
function slotsOf({ sequences, tokens }: EmbeddedBatch, row: number): number[] {
  return Array.from({ length: sequences[row]!.imageSlots }, (_, i) => tokens.starts[row]! + i);
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

/** A program takes one shape: a group that is not full is filled up with its first row. */
function gradientsOf(
  model: Model,
  gradients: AnswerGradients,
  batch: EmbeddedBatch,
  batchSize: number,
): Pick<AttackBatch, 'gradient' | 'slopes'> {
  const rows = batch.sequences.length;
  const filler = Array.from({ length: batchSize - rows }, () => batch.sequences[0]!);
  // Only its masks are read, so that any padding token will do.
  const tokens = padBatch([...batch.sequences, ...filler], 0, batch.tokens.length);
  const size = batch.embeds.length / rows;
  const full = new Float32Array(batchSize * size);
  const feedsOf = (embeds: Float32Array) => {
    full.set(embeds);
    for (let row = rows; row < batchSize; row++) full.copyWithin(row * size, 0, size);
    return decoderFeeds(full, tokens, model.files.config.text_config);
  };
  const letters = batch.sequences.map((sequence) => sequence.letters);
  return {
    async gradient(embeds, answers) {
      const all = [...answers, ...filler.map(() => answers[0]!)];
      const { gradient } = await gradients.at(feedsOf(embeds), all);
      return gradient.subarray(0, embeds.length);
    },
    slopes: (embeds, directions) =>
      slopesOf(letters, directions, batchSize, embeds.length, (classes, all) =>
        gradients.ofLogits(feedsOf(embeds), classes, all),
      ),
  };
}
