import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainingFamilies } from '../../diagnosis/perturbations/index.ts';
import type { PerturbedSample } from '../../schemas/benchmark.ts';
import type { TrainConfig } from '../../schemas/training.ts';
import { trainInThread } from '../../training/index.ts';

/** Trains a model folder on samples as the pipeline does, passes the result to `use` and removes it. */
export async function withTrained<T>(
  model: { folder: string; samples: readonly PerturbedSample[]; config: TrainConfig },
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const { config, folder, samples } = model;
  const pairs = (config.steps * config.batch) / 8;
  // Training on VQA samples alone sees eight of them in place of a pair of each kind and four.
  const budget = { image_heavy: pairs, text_heavy: pairs, vqa: 8 * pairs };
  const rows: PerturbedSample[] = [];
  for await (const family of trainingFamilies(samples, budget, config.seed)) rows.push(...family);
  const scratch = await mkdtemp(join(tmpdir(), 'guard-trained-'));
  try {
    const trained = await trainInThread({
      modelFolder: folder,
      rows,
      config,
      outFolder: join(scratch, 'model'),
    });
    return await use(trained.folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
