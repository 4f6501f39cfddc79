import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vocabulary } from '../../data/build/vocabulary.ts';
import {
  buildDecoder,
  buildEmbedTokens,
  buildVisionEncoder,
  initMini,
  miniSizes,
  writeModelFolder,
} from '../../models/index.ts';
import { type Sample, splits, taskKinds } from '../../schemas/benchmark.ts';
import type { GuardConfig } from '../../schemas/config.ts';
import { readSamples, writeSamplesFile } from '../../store/index.ts';
import { packageFolder } from '../../worker/config.ts';

/** Samples of each task kind in each split. */
const samplesPerKind = 40;

/** A model with random weights, small enough for quick runs, that knows the benchmark's words. */
export async function randomModel(folder: string, seed = 1): Promise<void> {
  const words = vocabulary();
  const sizes = miniSizes(words.length, { width: 24, layers: 2, visionLayers: 1, mlp: 48 });
  const weights = initMini(seed, sizes);
  for (const name of ['model.embed_tokens.weight', 'lm_head.weight']) {
    const tensor = weights.get(name)!;
    // Initial embeddings are so small that every sample would get the same answer.
    weights.set(name, { ...tensor, data: (tensor.data as Float32Array).map((value) => value * 15) });
  }
  await writeModelFolder(folder, {
    name: 'random mini',
    about: 'Random weights.',
    sizes,
    words,
    visionEncoder: buildVisionEncoder(weights, sizes),
    embedTokens: buildEmbedTokens(weights, sizes),
    decoder: buildDecoder(weights, sizes),
  });
}

/** The first samples of every split and kind of the shipped benchmark. */
export async function smallBenchmark(folder: string, count = samplesPerKind): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const split of splits) {
    const all = await readSamples(join(packageFolder(), 'data/benchmark', `${split}.parquet`));
    const few: Sample[] = taskKinds.flatMap((kind) => all.filter((s) => s.taskKind === kind).slice(0, count));
    await writeSamplesFile(
      join(folder, `${split}.parquet`),
      few.map(({ id, taskKind, question, options, answer, context, image, source }) => ({
        id,
        taskKind,
        split,
        question,
        options,
        answer,
        context,
        image,
        source,
      })),
    );
  }
}

export interface Project {
  folder: string;
  remove(): Promise<void>;
}

/** A project folder with a small model, a small benchmark and a configuration for quick runs. */
export async function smallProject(change: (config: GuardConfig) => void = () => {}): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'guard-project-'));
  await randomModel(join(folder, 'model'));
  await smallBenchmark(join(folder, 'benchmark'));
  const shipped = join(packageFolder(), 'temporal.config.json');
  const config = JSON.parse(await readFile(shipped, 'utf8')) as GuardConfig;
  Object.assign(config, { model: { name: 'tiny', folder: 'model' }, data: { folder: 'benchmark' } });
  config.worker.heartbeatThrottleSeconds = 0.5;
  config.diagnosis.samples = 8;
  config.diagnosis.attack = { kinds: ['pgd'], samples: 4, eps: [0, 0.01], alpha: 0.1, steps: 1 };
  config.training = { ...config.training, steps: 6, batch: 16, threads: 1 };
  for (const policy of config.policies) policy.requests = 24;
  change(config);
  await writeFile(join(folder, 'temporal.config.json'), JSON.stringify(config, null, 2));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
