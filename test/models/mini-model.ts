import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'fast-png';
import {
  buildDecoder,
  buildEmbedTokens,
  buildVisionEncoder,
  initMini,
  type MiniWeights,
  miniSizes,
  specialTokens,
  writeModelFolder,
} from '../../models/index.ts';
import { Random } from '../../random/index.ts';
import type { EncodedImage, PerturbedSample, TaskKind } from '../../schemas/benchmark.ts';

export const words = [
  ...Object.values(specialTokens),
  ...'A B C D : ? . question option answer which item is in the picture bag sandal coat sneaker shirt dress'.split(
    ' ',
  ),
];
export const sizes = miniSizes(words.length);

/** Initial weights with embeddings and projections enlarged, so that answers differ from sample to sample. */
export function weights(seed = 1): MiniWeights {
  const result = initMini(seed, sizes);
  for (const [name, tensor] of result) {
    const factor = /embed_tokens|lm_head/.test(name) ? 15 : name.endsWith('proj.weight') ? 2 : 1;
    result.set(name, { ...tensor, data: (tensor.data as Float32Array).map((value) => value * factor) });
  }
  return result;
}

export function graphs(seed = 1) {
  const w = weights(seed);
  return {
    visionEncoder: buildVisionEncoder(w, sizes),
    embedTokens: buildEmbedTokens(w, sizes),
    decoder: buildDecoder(w, sizes),
  };
}

/** A folder with a small, randomly initialised model. Remove it with `remove`. */
export async function makeModel(): Promise<{ folder: string; remove: () => Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), 'mini-'));
  const folder = join(parent, 'model');
  await writeModelFolder(folder, {
    name: 'random mini',
    about: 'Random weights.',
    sizes,
    words,
    ...graphs(),
  });
  return { folder, remove: () => rm(parent, { recursive: true, force: true }) };
}

/** Grey noise, 28x28. */
export function noiseImage(seed: number): EncodedImage {
  const random = new Random(seed, 'image');
  const data = Uint8Array.from({ length: 28 * 28 }, () => random.int(256));
  return { bytes: encode({ width: 28, height: 28, data, channels: 1, depth: 8 }), path: `noise ${seed}.png` };
}

/** Questions of different lengths; image-heavy and VQA ones have an image, text-heavy ones every second time. */
export function makeSamples(count: number, taskKind: TaskKind = 'image_heavy'): PerturbedSample[] {
  const items = ['bag', 'sandal', 'coat', 'sneaker', 'shirt', 'dress'];
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(5, taskKind, i);
    const context = Array.from({ length: random.int(20) }, () => random.pick(items)).join(' ');
    return {
      id: `${taskKind} ${i}`,
      taskKind,
      split: 'test',
      question: 'which item is in the picture ?',
      options: random.sample(items, 4),
      answer: random.int(4),
      context: context || null,
      image: taskKind === 'text_heavy' && i % 2 === 1 ? null : noiseImage(i),
      source: `photo ${i}`,
      perturbation: 'origin',
      variant: '',
      hinted: null,
    };
  });
}
