import { Random } from '../../random/index.ts';
import {
  type PerturbedSample,
  type Sample,
  type TaskKind,
  taskKinds,
  trainingPerturbations,
} from '../../schemas/benchmark.ts';
import { perturb } from './perturb.ts';

/** What training sees of a sample: itself unperturbed, and where one modality is irrelevant its perturbed forms. */
export function trainingFamily(sample: Sample, seed: number, pool: readonly Sample[]): PerturbedSample[] {
  const clean = perturb([sample], 'origin', seed, pool);
  if (sample.taskKind === 'vqa') return clean;
  const names = trainingPerturbations[sample.taskKind];
  return [...clean, ...names.flatMap((name) => perturb([sample], name, seed, pool))];
}

/** The families of up to `budget` samples of each kind, drawn by the seed, one after the other. */
export function* trainingFamilies(
  pool: readonly Sample[],
  budget: Record<TaskKind, number>,
  seed: number,
): Generator<PerturbedSample[]> {
  for (const kind of taskKinds) {
    const chosen = new Random(seed, 'augment', kind).shuffle(pool.filter((s) => s.taskKind === kind));
    for (const sample of chosen.slice(0, budget[kind])) yield trainingFamily(sample, seed, pool);
  }
}
