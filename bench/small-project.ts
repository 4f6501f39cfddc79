import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { vocabulary } from '../data/build/vocabulary.ts';
import {
  buildDecoder,
  buildEmbedTokens,
  buildVisionEncoder,
  initMini,
  miniSizes,
  writeModelFolder,
} from '../models/index.ts';
import { type Sample, splits, taskKinds } from '../schemas/benchmark.ts';
import { readSamples, writeSamplesFile } from '../store/index.ts';
import { packageFolder } from '../worker/index.ts';

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
