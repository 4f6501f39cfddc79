import { isInterference, type Prediction, removals, TaskKind, taskKinds } from '../../schemas/benchmark.ts';
import type { DiagnosisMeasures } from '../../schemas/diagnosis.ts';
import { bootstrapInterval } from '../statistics/bootstrap.ts';
import { jsDivergence } from '../statistics/divergence.ts';
import { completeSamples, type TaskOf } from './complete.ts';
import { answeredPairs, groupedBy } from './figures.ts';

type Reliance = DiagnosisMeasures['reliance'][string];

const resamples = 2000;
const isRemoval = (name: string) => (removals as readonly string[]).includes(name);

interface Options {
  seed: number;
  sourceOf: (id: string) => string;
  /** Perturbations that point to the right option. */
  helpful: ReadonlySet<string>;
  taskOf?: TaskOf | undefined;
}

/**
 * Over samples the mean of the mean over conditions of Jensen-Shannon divergence / ln 2 between the clean answer and the changed ones,
 * where both are there.
 */
function score(
  clean: readonly Prediction[],
  changed: readonly Prediction[],
  stream: string,
  { seed, sourceOf, taskOf }: Options,
): Reliance['image'] {
  const { bySample, leftOut } = completeSamples(changed, taskOf);
  const pairs = groupedBy(answeredPairs(clean, changed), ({ after }) => after.id);
  const ids = [...bySample.keys()].filter((id) => pairs.has(id));
  const values = ids.map((id) => {
    const moved = pairs
      .get(id)!
      .map(({ after, before }) => jsDivergence(before.probabilities, after.probabilities));
    return moved.reduce((sum, distance) => sum + distance, 0) / moved.length / Math.LN2;
  });
  if (values.length === 0) return null;
  const clusters = ids.map(sourceOf);
  return {
    share: Math.min(1, Math.max(0, values.reduce((sum, value) => sum + value, 0) / values.length)),
    ci95: bootstrapInterval(values, { seed, clusters, resamples, stream }),
    n: values.length,
    leftOut,
  };
}

/**
 * How much the answers lean on each modality, from 0 (they never move) to 1, by kind of task: on the one that decides, how far
 * they move when it is removed; on the other, how far its perturbations move them (right hints left out). Samples that were not asked
 * every condition are left out. Null: not measured.
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
    const decisive = score(clean, removed, `reliance/${kind}/removed`, options);
    const irrelevant = score(clean, perturbed, `reliance/${kind}/perturbed`, options);
    result[kind] =
      kind === TaskKind.ImageHeavy
        ? { image: decisive, text: irrelevant }
        : { image: irrelevant, text: decisive };
  }
  return result;
}
