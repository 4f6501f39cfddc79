import { isInterference, type Prediction, removals, TaskKind, taskKinds } from '../../schemas/benchmark.ts';
import type { DiagnosisMeasures } from '../../schemas/diagnosis.ts';
import { bootstrapInterval } from '../statistics/bootstrap.ts';
import { jsDivergence } from '../statistics/divergence.ts';
import { byId, cleanOf } from './figures.ts';

type Reliance = DiagnosisMeasures['reliance'][string];

const resamples = 2000;
const isRemoval = (name: string) => (removals as readonly string[]).includes(name);

interface Options {
  seed: number;
  sourceOf: (id: string) => string;
  /** Perturbations that point to the right option. */
  helpful: ReadonlySet<string>;
}

/** By sample the mean of Jensen-Shannon divergence / ln 2 between the clean answer and those under the conditions. */
function movedBy(clean: readonly Prediction[], changed: readonly Prediction[]): Map<string, number> {
  const cleanById = byId(clean);
  const sums = new Map<string, { sum: number; n: number }>();
  for (const prediction of changed) {
    const before = cleanOf(cleanById, prediction);
    const moved = jsDivergence(before.probabilities, prediction.probabilities) / Math.LN2;
    const { n, sum } = sums.get(prediction.id) ?? { sum: 0, n: 0 };
    sums.set(prediction.id, { sum: sum + moved, n: n + 1 });
  }
  return new Map([...sums].map(([id, { n, sum }]) => [id, sum / n]));
}

function score(
  moved: ReadonlyMap<string, number>,
  stream: string,
  { seed, sourceOf }: Options,
): Reliance['image'] {
  const values = [...moved.values()];
  if (values.length === 0) return null;
  const clusters = [...moved.keys()].map(sourceOf);
  return {
    share: Math.min(1, Math.max(0, values.reduce((sum, value) => sum + value, 0) / values.length)),
    ci95: bootstrapInterval(values, { seed, clusters, resamples, stream }),
    n: values.length,
  };
}

/**
 * How much the answers lean on each modality, from 0 (they never move) to 1, by kind of task: on the one that decides, how far
 * they move when it is removed; on the other, how far its perturbations move them (right hints left out). Null: not measured.
 */
export function reliance(
  predictions: readonly Prediction[],
  options: Options,
): DiagnosisMeasures['reliance'] {
  const result: DiagnosisMeasures['reliance'] = {};
  for (const kind of taskKinds) {
    if (kind === TaskKind.Vqa) continue;
    const own = predictions.filter(({ taskKind }) => taskKind === kind);
    const clean = own.filter(({ perturbation }) => perturbation === 'origin');
    if (clean.length === 0) continue;
    const removed = own.filter(({ perturbation }) => isRemoval(perturbation));
    const perturbed = own.filter(({ perturbation }) => isInterference(perturbation, options.helpful));
    const decisive = score(movedBy(clean, removed), `reliance/${kind}/removed`, options);
    const irrelevant = score(movedBy(clean, perturbed), `reliance/${kind}/perturbed`, options);
    result[kind] =
      kind === TaskKind.ImageHeavy
        ? { image: decisive, text: irrelevant }
        : { image: irrelevant, text: decisive };
  }
  return result;
}
