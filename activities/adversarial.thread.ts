import { cancelled, serveThread } from '../engine/index.ts';
import {
  AnswerGradients,
  attackEmbeddings,
  decoderFeeds,
  type EmbeddedBatch,
  irrelevantTokens,
  isMiniFolder,
  type ModelConfig,
  openModel,
} from '../models/index.ts';
import { Random } from '../random/index.ts';
import { labelOf } from '../schemas/benchmark.ts';
import type { AdversarialProgress, AdversarialTask, AdversarialTensors } from './adversarial.ts';
import { attackFolder } from './adversarial-folder.ts';

/** Rows whose questions have the same length share a program. */
const batchSize = 16;

serveThread<AdversarialTask, AdversarialTensors, AdversarialProgress>(async (task, context) => {
  const { folder, samples, threads, device } = task;
  if (!(await isMiniFolder(folder))) return attackFolder(task, context);
  const { aborted, progress } = context;
  const model = await openModel(folder, { threads, device });
  const gradients = new AnswerGradients(model.decoder, threads, device);
  try {
    const { image_seq_length: tokens, text_config: text } = model.files.config;
    const size = tokens * text.hidden_size;
    const features = new Float32Array(samples.length * size);
    const deltas = new Float32Array(samples.length * size);
    for await (const batch of model.batches(samples, { batchSize, onProgress: progress })) {
      if (aborted()) throw cancelled('the augmentation');
      const attacked = await attackBatch(task, batch, gradients, text);
      const width = text.hidden_size;
      for (const [row, i] of batch.indices.entries()) {
        const at = (row * batch.tokens.length + batch.tokens.starts[row]!) * width;
        const clean = batch.embeds.subarray(at, at + size);
        features.set(clean, i * size);
        deltas.set(
          clean.map((value, j) => attacked[at + j]! - value),
          i * size,
        );
      }
    }
    const names = samples.map(({ id, perturbation }) => `${id}/${perturbation}`);
    return { names, shape: [tokens, text.hidden_size], features, deltas };
  } finally {
    await gradients.close();
    await model.close();
  }
});

function attackBatch(
  { attack, samples, seed }: AdversarialTask,
  batch: EmbeddedBatch,
  gradients: AnswerGradients,
  text: ModelConfig['text_config'],
): Promise<Float32Array> {
  const rows = batch.indices.map((i) => samples[i]!);
  const answers = batch.sequences.map(({ letters }, row) => letters[labelOf(rows[row]!)]!);
  return attackEmbeddings({
    ...attack,
    embeds: batch.embeds,
    mask: irrelevantTokens(rows, batch.sequences, batch.tokens),
    random: rows.map(({ id }) => new Random(seed, 'augment', 'pgd', id)),
    gradient: async (embeds) =>
      (await gradients.at(decoderFeeds(embeds, batch.tokens, text), answers)).gradient,
  });
}
