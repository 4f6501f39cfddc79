import type { TaskKind } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Prices } from '../../schemas/estimate.ts';
import { kindOf, type Task } from '../../schemas/task.ts';
import type { Forecast } from './curve.ts';
import type { Drop, Findings } from './findings.ts';

/** Where nobody has said how much of the traffic carries misinformation. */
export const defaultExposure = 0.05;

export interface ConditionDamage extends Drop {
  condition: string;
  /** Its part of the task's misinformation. */
  weight: number;
  /** Share of the task's decisions that are made under this condition. */
  exposure: number;
  /** Wrong decisions a month that the condition causes, and their cost. */
  affected: Forecast;
  cost: Forecast;
}

export interface TaskDamage {
  task: string;
  owner: string;
  kind: TaskKind;
  decisionsPerMonth: number;
  errorCost: number;
  /** Share of the decisions that carry misinformation. */
  exposure: number;
  /** True where nobody stated the exposure. */
  exposureAssumed: boolean;
  /** Whether the drops are those of the task's own samples, or of all of its kind. */
  samples: 'own' | 'kind';
  conditions: ConditionDamage[];
  /** Wrong decisions a month and their cost over all conditions. */
  affected: Forecast;
  cost: Forecast;
}

/** Factor times forecast; the factor is not negative. */
export function scaled({ ci95, value }: Forecast, factor: number): Forecast {
  return { value: value * factor, ci95: [ci95[0] * factor, ci95[1] * factor] };
}

/** Ends are added up, as if all parts erred the same way: never narrower than the truth, whatever they share. */
export function summed(parts: readonly Forecast[]): Forecast {
  const add = (of: (part: Forecast) => number) => parts.reduce((sum, part) => sum + of(part), 0);
  return { value: add((p) => p.value), ci95: [add((p) => p.ci95[0]), add((p) => p.ci95[1])] };
}

/**
 * Wrong decisions a month by task and condition: decisions x exposure x drop, and their cost. A condition that helps
 * counts with its sign, so that chance does not add up to damage.
 * @throws GuardError BadConfig for an exposure of a task or perturbation that there is none of
 */
export function damageOf(findings: Findings, tasks: readonly Task[], { exposure }: Prices): TaskDamage[] {
  for (const name of Object.keys(exposure.tasks)) {
    if (tasks.some((task) => task.name === name)) continue;
    throw new GuardError(
      ErrorCode.BadConfig,
      `prices file, exposure.tasks: there is no task "${name}"; there are ${tasks.map((task) => task.name).join(', ')}`,
    );
  }
  const measured = Object.keys(findings.drops).map(perturbationOf);
  for (const name of Object.keys(exposure.mix ?? {})) {
    if (measured.includes(name)) continue;
    const there = [...new Set(measured)].join(', ');
    throw new GuardError(
      ErrorCode.BadConfig,
      `prices file, exposure.mix: the diagnosis has no "${name}"; it has ${there}`,
    );
  }
  return tasks.map((task) => damageOfTask(findings, task, exposure));
}

function perturbationOf(condition: string): string {
  return condition.slice(condition.indexOf('/') + 1);
}

function damageOfTask(findings: Findings, task: Task, exposure: Prices['exposure']): TaskDamage {
  const kind = kindOf[task.decides];
  const stated = exposure.tasks[task.name] ?? exposure.share;
  const share = stated ?? defaultExposure;
  const own = findings.ofTasks[task.name] ?? {};
  const samples = Object.keys(own).length > 0 ? 'own' : 'kind';
  const drops = samples === 'own' ? own : findings.drops;
  const conditions = mixOf(drops, task, exposure).map(([condition, weight]): ConditionDamage => {
    const drop = drops[condition]!;
    const size = scaled({ value: drop.drop, ci95: drop.ci95 }, task.decisionsPerMonth * share * weight);
    return {
      condition,
      ...drop,
      weight,
      exposure: share * weight,
      affected: size,
      cost: scaled(size, task.errorCost),
    };
  });
  return {
    task: task.name,
    owner: task.owner,
    kind,
    decisionsPerMonth: task.decisionsPerMonth,
    errorCost: task.errorCost,
    exposure: share,
    exposureAssumed: stated === undefined,
    samples,
    conditions,
    affected: summed(conditions.map(({ affected }) => affected)),
    cost: summed(conditions.map(({ cost }) => cost)),
  };
}

/** Conditions of a task with their share of its misinformation; the shares sum to 1, or there are none. */
function mixOf(
  drops: Findings['drops'],
  { decides, scenarios }: Task,
  { mix }: Prices['exposure'],
): [string, number][] {
  const kind = kindOf[decides];
  const ofKind = Object.keys(drops).filter((condition) => condition.startsWith(`${kind}/`));
  const ofPacks = ofKind.filter((condition) =>
    scenarios.some((pack) => perturbationOf(condition).startsWith(`${pack}/`)),
  );
  const conditions = ofPacks.length > 0 ? ofPacks : ofKind;
  const weights = conditions.map((condition) => (mix ? (mix[perturbationOf(condition)] ?? 0) : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return [];
  return conditions.flatMap((condition, i) =>
    weights[i]! > 0 ? [[condition, weights[i]! / total] as [string, number]] : [],
  );
}
