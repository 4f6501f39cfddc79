import { cancelled, type ThreadContext } from '../engine/index.ts';
import { AnswerGradients, attackEmbeddings, HfModel } from '../models/index.ts';
import { Random } from '../random/index.ts';
import { labelOf, type PerturbedSample } from '../schemas/benchmark.ts';
import type { AdversarialProgress, AdversarialTask, AdversarialTensors } from './adversarial.ts';

/** Rows that run together. */
const batchSize = 8;

interface AttackedImage {
  name: string;
  clean: Float32Array;
  delta: Float32Array;
}

/**
 * Image features of a model folder and what the attack adds to them. Pictures may have different numbers of tokens: kept
 * are those of the number that most of them have, since the tensors of a table are of one shape.
 */
export async function attackFolder(
  task: AdversarialTask,
  { aborted, progress }: ThreadContext<AdversarialProgress>,
): Promise<AdversarialTensors> {
  const { folder, samples, threads, device } = task;
  const model = await HfModel.open(folder, { threads, device });
  const gradients = new AnswerGradients(await model.decoderGraph(), threads, device);
  try {
    const images: AttackedImage[] = [];
    let width = 1;
    for (let at = 0; at < samples.length; at += batchSize) {
      if (aborted()) throw cancelled('the augmentation');
      const rows = samples.slice(at, at + batchSize);
      const attacked = await attackRows(task, model, gradients, rows);
      width = attacked.width;
      images.push(...attacked.images);
      progress({ done: Math.min(at + batchSize, samples.length), total: samples.length });
    }
    const size = commonest(images.map(({ clean }) => clean.length));
    const kept = images.filter(({ clean }) => clean.length === size);
    return {
      names: kept.map(({ name }) => name),
      shape: [size / width, width],
      features: joined(kept.map(({ clean }) => clean)),
      deltas: joined(kept.map(({ delta }) => delta)),
    };
  } finally {
    await gradients.close();
    await model.close();
  }
}

async function attackRows(
  { attack, seed }: AdversarialTask,
  model: HfModel,
  gradients: AnswerGradients,
  rows: readonly PerturbedSample[],
): Promise<{ width: number; images: AttackedImage[] }> {
  const batch = await model.trainingBatch(rows);
  const answers = batch.letters.map((ids, row) => ids[labelOf(rows[row]!)]!);
  const attacked = await attackEmbeddings({
    ...attack,
    embeds: batch.embeds,
    mask: batch.irrelevant,
    random: rows.map(({ id }) => new Random(seed, 'augment', 'pgd', id)),
    gradient: async (embeds) => (await gradients.at(batch.feeds(embeds), answers)).gradient,
  });
  const width = batch.embeds.length / batch.irrelevant.length;
  const images = rows.map(({ id, perturbation }, row) => {
    const start = row * batch.length;
    const tokens = [...batch.irrelevant.subarray(start, start + batch.length).keys()].filter(
      (at) => batch.irrelevant[start + at],
    );
    const taken = (from: Float32Array) =>
      joined(tokens.map((at) => from.subarray((start + at) * width, (start + at + 1) * width)));
    const clean = taken(batch.embeds);
    const delta = taken(attacked).map((value, i) => value - clean[i]!);
    return { name: `${id}/${perturbation}`, clean, delta };
  });
  return { width, images };
}

function commonest(sizes: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const size of sizes) counts.set(size, (counts.get(size) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || a - b)[0]?.[0] ?? 0;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
