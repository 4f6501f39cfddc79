import type { Evidence } from '../../diagnosis/index.ts';
import type { Prediction, TaskKind } from '../../schemas/benchmark.ts';

/** A prediction over four options of which the first is right. */
export function prediction(
  id: string,
  perturbation: string,
  predicted: number,
  taskKind: TaskKind = 'image_heavy',
): Prediction {
  const probabilities = [0, 1, 2, 3].map((place) => (place === predicted ? 0.7 : 0.1));
  return { id, taskKind, perturbation, answer: 0, predicted, probabilities };
}

/** `n` samples, all right without the perturbation, of which `lost` follow it to the second option. */
export function condition(
  n: number,
  lost: number,
  perturbation: string,
  taskKind: TaskKind = 'image_heavy',
): Prediction[] {
  return Array.from({ length: n }, (_, i) =>
    prediction(`${taskKind} ${i}`, perturbation, i < lost ? 1 : 0, taskKind),
  );
}

export function evidence(
  predictions: readonly Prediction[],
  attacks: Evidence['attacks'] = [],
  sourceOf = (id: string) => id,
): Evidence {
  const hinted = predictions.filter(({ perturbation }) => perturbation.startsWith('misleading'));
  const hints = new Map(hinted.map(({ id, perturbation }) => [`${perturbation}/${id}`, 1]));
  return { predictions, hints, sourceOf, attacks, seed: 5 };
}
