import { type PerturbedSample, type Sample, trainingPerturbations } from '../../schemas/benchmark.ts';
import { perturb } from './perturb.ts';

/** What training sees of a sample: itself unperturbed, and where one modality is irrelevant its perturbed forms. */
export function trainingFamily(sample: Sample, seed: number, pool: readonly Sample[]): PerturbedSample[] {
  const clean = perturb([sample], 'origin', seed, pool);
  if (sample.taskKind === 'vqa') return clean;
  const names = trainingPerturbations[sample.taskKind];
  return [...clean, ...names.flatMap((name) => perturb([sample], name, seed, pool))];
}
