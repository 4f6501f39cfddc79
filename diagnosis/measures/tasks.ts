import type { Prediction } from '../../schemas/benchmark.ts';
import type { DiagnosisMeasures, TaskCondition } from '../../schemas/diagnosis.ts';
import { pairedDrop } from './drop.ts';
import { conditionOf, figures, groupedBy } from './figures.ts';

interface Options {
  seed: number;
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
  { seed, sourceOf, taskOf }: Options,
): NonNullable<DiagnosisMeasures['tasks']> {
  const byTask = groupedBy(
    predictions.filter(({ id }) => taskOf(id) !== undefined),
    ({ id }) => taskOf(id)!,
  );
  return Object.fromEntries(
    [...byTask].map(([task, own]) => [task, conditionsOf(task, own, { seed, sourceOf })]),
  );
}

function conditionsOf(
  task: string,
  own: readonly Prediction[],
  options: Pick<Options, 'seed' | 'sourceOf'>,
): Record<string, TaskCondition> {
  const groups = groupedBy(own, conditionOf);
  const measured = [...groups].flatMap(([condition, perturbed]): [string, TaskCondition][] => {
    const clean = groups.get(conditionOf({ taskKind: perturbed[0]!.taskKind, perturbation: 'origin' })) ?? [];
    if (perturbed[0]!.perturbation === 'origin') return [];
    const { changeRate, n } = figures(clean, perturbed);
    const paired = pairedDrop({ condition: `${task}: ${condition}`, clean, perturbed }, options);
    const drop = paired && { drop: paired.drop, ci95: paired.interval, n: paired.lost.length };
    return [[condition, { drop, changeRate, n }]];
  });
  return Object.fromEntries(measured);
}
