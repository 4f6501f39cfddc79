import { type Evidence, hintsOf } from '../diagnosis/index.ts';
import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { Diagnosis } from '../schemas/diagnosis.ts';

/** What rules look at, from the tables of a diagnosis. */
export function evidenceOf(
  samples: readonly PerturbedSample[],
  predictions: readonly Prediction[],
  { attacks }: Pick<Diagnosis, 'attacks'>,
  seed: number,
): Evidence {
  const sources = new Map(samples.map(({ id, source }) => [id, source]));
  const tasks = new Map(samples.map(({ id, task }) => [id, task]));
  return {
    predictions,
    hints: hintsOf(samples),
    sourceOf: (id) => sources.get(id) ?? id,
    taskOf: (id) => tasks.get(id),
    attacks,
    seed,
  };
}
