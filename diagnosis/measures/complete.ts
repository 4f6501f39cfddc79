import type { Prediction } from '../../schemas/benchmark.ts';
import { groupedBy } from './figures.ts';

/** The team's own task of a sample, by id; undefined: none. */
export type TaskOf = (id: string) => string | undefined;

export interface Complete {
  /** Predictions of the samples that were asked everything, by sample. */
  bySample: Map<string, Prediction[]>;
  /** Samples that were asked less. */
  leftOut: number;
  /** Perturbations that were asked, without `origin`. */
  conditions: number;
}

/**
 * The samples that were asked every condition that any sample of their task was: a condition such as a photo of a wrong option fits
 * some samples alone, and a sample that was asked little would pass for one that withstands much. Takes the predictions of one kind
 * under the conditions that count; without tasks the kind is one task.
 */
export function completeSamples(
  predictions: readonly Prediction[],
  taskOf: TaskOf = () => undefined,
): Complete {
  const bySample = new Map<string, Prediction[]>();
  let leftOut = 0;
  for (const ofTask of groupedBy(predictions, ({ id }) => taskOf(id) ?? '').values()) {
    const asked = new Set(ofTask.map(({ perturbation }) => perturbation)).size;
    for (const [id, own] of groupedBy(ofTask, (prediction) => prediction.id)) {
      if (own.length === asked) bySample.set(id, own);
      else leftOut++;
    }
  }
  const names = new Set(predictions.map(({ perturbation }) => perturbation));
  names.delete('origin');
  return { bySample, leftOut, conditions: names.size };
}
