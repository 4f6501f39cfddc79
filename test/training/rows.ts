import type { PerturbedSample } from '../../schemas/benchmark.ts';
import { TrainConfig } from '../../schemas/training.ts';
import { makeSamples, noiseImage } from '../models/mini-model.ts';

/** Training rows for the small random model: image-heavy and text-heavy families, and VQA. */
export function trainingRows(count = 6): PerturbedSample[] {
  const imageHeavy = makeSamples(count).map((sample) => ({ ...sample, context: null }));
  const textHeavy = makeSamples(count, 'text_heavy').map((sample) => ({ ...sample, image: null }));
  const said = 'the picture seems to depict a bag . '.repeat(3);
  return [
    ...imageHeavy.flatMap((sample): PerturbedSample[] => [
      sample,
      { ...sample, perturbation: 'misleading_text', context: `${said}bag .`, hinted: 0 },
      { ...sample, perturbation: 'unrelated_text', context: said, hinted: null },
    ]),
    ...textHeavy.flatMap((sample, i): PerturbedSample[] => [
      sample,
      { ...sample, perturbation: 'switch', image: noiseImage(100 + i) },
    ]),
    ...makeSamples(2 * count, 'vqa'),
  ];
}

/** A short training on small batches. */
export function config(changes: Record<string, unknown> = {}): TrainConfig {
  return TrainConfig.parse({ steps: 4, batch: 8, threads: 1, ...changes });
}
