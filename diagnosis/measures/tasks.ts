import type { Prediction } from '../../schemas/benchmark.ts';
import type { DiagnosisMeasures, TaskCondition } from '../../schemas/diagnosis.ts';
import { pairedInterval } from '../statistics/paired.ts';
import { pairedDrop } from './drop.ts';
import { conditionOf, figures, groupedBy } from './figures.ts';

interface Options {
  sourceOf: (id: string) => string;
  /** The team's own task of a sample, by id. */
  taskOf: (id: string) => string | undefined;
}

/**
 * What each condition does to each task's own samples: several tasks of one kind need not lose alike. Empty where no sample has a
 * task. @throws GuardError BadInput as `figures` does
 */
export function taskConditions(
  predictions: readonly Prediction[],
  { sourceOf, taskOf }: Options,
): NonNullable<DiagnosisMeasures['tasks']> {
  const byTask = groupedBy(
    predictions.filter(({ id }) => taskOf(id) !== undefined),
    ({ id }) => taskOf(id)!,
  );
  return Object.fromEntries([...byTask].map(([task, own]) => [task, conditionsOf(own, sourceOf)]));
}

function conditionsOf(
  own: readonly Prediction[],
  sourceOf: Options['sourceOf'],
): Record<string, TaskCondition> {
  const groups = groupedBy(own, conditionOf);
  const measured = [...groups].flatMap(([condition, perturbed]): [string, TaskCondition][] => {
    const clean = groups.get(conditionOf({ taskKind: perturbed[0]!.taskKind, perturbation: 'origin' })) ?? [];
    if (perturbed[0]!.perturbation === 'origin') return [];
    const { changeRate, n } = figures(clean, perturbed);
    const paired = pairedDrop({ clean, perturbed }, { sourceOf });
    const drop = paired && { drop: paired.drop, ci95: pairedInterval(paired.pairs), n: paired.lost.length };
    return [[condition, { drop, changeRate, n }]];
  });
  return Object.fromEntries(measured);
}
