import { join } from 'node:path';
import { dataFolder } from '../../data/folder.ts';
import { perturb } from '../../diagnosis/perturbations/index.ts';
import { labelOf, type PerturbedSample, type Prediction } from '../../schemas/benchmark.ts';
import { readSamples } from '../../store/index.ts';

/** Test samples of the shipped benchmark, as attacks take them: text-heavy ones beside a photo. */
export async function shippedSamples(
  taskKind: 'image_heavy' | 'text_heavy',
  count: number,
): Promise<PerturbedSample[]> {
  const pool = await readSamples(join(dataFolder(), 'benchmark', 'test.parquet'));
  const samples = pool.filter((sample) => sample.taskKind === taskKind).slice(0, count);
  return perturb(samples, taskKind === 'text_heavy' ? 'switch' : 'origin', 3, pool);
}

export const accuracyOf = (predictions: readonly Prediction[]) =>
  predictions.filter(({ answer, predicted }) => answer === predicted).length / predictions.length;

/** Mean log chance of the right answer, nats. */
export const certainty = (predictions: readonly Prediction[]) =>
  predictions.reduce((sum, p) => sum + Math.log(p.probabilities[labelOf(p)]!), 0) / predictions.length;
