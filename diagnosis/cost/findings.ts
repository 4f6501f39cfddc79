import { z } from 'zod';
import { isInterference, withRightHints } from '../../schemas/benchmark.ts';
import { AccuracyDrop, OpenFigures, TaskCondition } from '../../schemas/diagnosis.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { wilson } from '../statistics/wilson.ts';

/** What an estimate takes from a diagnosis, whoever wrote it: a run's report, or what `diagnose --json` prints. */
export interface Findings {
  /** Keyed by "<task kind>/<perturbation>". */
  figures: Record<string, z.infer<typeof FigureOf>>;
  /** Accuracy that a condition costs; `changes` where samples lack labels: at most that much. */
  drops: Record<string, Drop>;
  /** The same of a task's own samples, by task, where the diagnosis has enough of them. */
  ofTasks: Record<string, Record<string, Drop>>;
  /** Why the model cannot be trained; null: nothing that is known keeps it from that. */
  untrainable: string | null;
  /** Steps of the training that the report is of; null: none. */
  trainedSteps: number | null;
  /** Of the training that the report is of; null: not measured. */
  secondsPerStep: number | null;
}

export interface Drop {
  drop: number;
  ci95: [number, number];
  basis: 'paired' | 'unpaired' | 'changes';
}

const FigureOf = z.looseObject(
  OpenFigures.pick({ accuracy: true, ci95: true, changeRate: true, n: true }).shape,
);

/** Other keys, such as those that later versions add, are nobody's business here. */
const Diagnosed = z.looseObject({
  figures: z.record(z.string(), FigureOf).optional(),
  base: z.record(z.string(), FigureOf).optional(),
  measures: z
    .looseObject({
      conditions: z.record(z.string(), z.looseObject({ drop: z.looseObject(AccuracyDrop.shape).nullable() })),
      rightHints: z.array(z.string()).optional(),
      tasks: z.record(z.string(), z.record(z.string(), z.looseObject(TaskCondition.shape))).optional(),
    })
    .optional(),
  rightHints: z.array(z.string()).optional(),
  losses: z.array(z.unknown()).optional(),
  secondsPerStep: z.number().positive().nullish(),
  endpoint: z.unknown().optional(),
  leftOut: z.array(z.looseObject({ reason: z.string() })).optional(),
});

/** What attacks and training both need. */
const lacksGradients = /no gradient rule|gradients are out of reach/;

function whyUntrainable({ endpoint, leftOut = [] }: z.infer<typeof Diagnosed>): string | null {
  if (endpoint) return 'it stands behind a server, and gradients are out of reach there';
  return leftOut.find(({ reason }) => lacksGradients.test(reason))?.reason ?? null;
}

/** Whether the irrelevant modality misinforms under "<task kind>/<perturbation>". */
export function misinforms(condition: string, rightHints: ReadonlySet<string>): boolean {
  return isInterference(condition.slice(condition.indexOf('/') + 1), rightHints);
}

/** @throws GuardError BadInput naming `where` and the field */
export function findingsOf(value: unknown, where: string): Findings {
  const parsed = Diagnosed.safeParse(value);
  if (!parsed.success) {
    throw new GuardError(ErrorCode.BadInput, `${where}: no diagnosis:\n${z.prettifyError(parsed.error)}`);
  }
  const { base, figures = base, losses = [], measures, secondsPerStep = null } = parsed.data;
  if (!figures || Object.keys(figures).length === 0) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${where}: has neither "base" nor "figures" with conditions; pass a run's report.json or what "diagnose --json" prints`,
    );
  }
  const rightHints = withRightHints(measures?.rightHints ?? parsed.data.rightHints);
  const drops: Findings['drops'] = {};
  for (const [condition, perturbed] of Object.entries(figures)) {
    const [kind] = condition.split('/');
    if (!misinforms(condition, rightHints)) continue;
    const clean = figures[`${kind}/origin`];
    if (!clean) {
      const what = `"${condition}" has no "${kind}/origin" beside it, so there is no drop; diagnose "origin" as well`;
      throw new GuardError(ErrorCode.BadInput, `${where}: ${what}`);
    }
    const paired = measures?.conditions[condition]?.drop;
    // Nothing is known where no pair was answered.
    if (!paired && perturbed.changeRate === null) continue;
    drops[condition] = paired
      ? { drop: paired.drop, ci95: paired.ci95, basis: 'paired' }
      : unpairedDrop(clean, perturbed);
  }
  const ofTasks = ownDrops(measures?.tasks ?? {}, drops);
  return {
    figures,
    drops,
    ofTasks,
    untrainable: whyUntrainable(parsed.data),
    trainedSteps: losses.length || null,
    secondsPerStep,
  };
}

/** With fewer samples of its own a task is better told by all of its kind. */
const leastOwn = 30;

/** Drops on each task's own samples, under conditions that misinform. */
function ownDrops(
  tasks: Record<string, Record<string, TaskCondition>>,
  drops: Findings['drops'],
): Findings['ofTasks'] {
  const entries = Object.entries(tasks).map(([task, conditions]) => {
    const own = Object.entries(conditions).flatMap(([condition, { changeRate, drop, n }]) => {
      if (!Object.hasOwn(drops, condition) || (drop?.n ?? n) < leastOwn) return [];
      if (!drop && changeRate === null) return [];
      const found: Drop = drop
        ? { drop: drop.drop, ci95: drop.ci95, basis: 'paired' }
        : changesAsDrop({ changeRate, n });
      return [[condition, found] as const];
    });
    return [task, Object.fromEntries(own)] as const;
  });
  return Object.fromEntries(entries);
}

/**
 * From the two accuracies and their intervals alone (Newcombe 1998, method 10). Wider than the paired interval, because
 * what the same samples have in common is not known here.
 */
function unpairedDrop(clean: z.infer<typeof FigureOf>, perturbed: z.infer<typeof FigureOf>): Drop {
  if (clean.accuracy === null || perturbed.accuracy === null || !clean.ci95 || !perturbed.ci95)
    return changesAsDrop(perturbed);
  const drop = clean.accuracy - perturbed.accuracy;
  const [c, p] = [clean.ci95, perturbed.ci95];
  return {
    drop,
    ci95: [
      drop - Math.hypot(clean.accuracy - c[0], p[1] - perturbed.accuracy),
      drop + Math.hypot(c[1] - clean.accuracy, perturbed.accuracy - p[0]),
    ],
    basis: 'unpaired',
  };
}

/** Without labels each changed answer may be a lost one, or none. */
function changesAsDrop({ changeRate, n }: Pick<z.infer<typeof FigureOf>, 'changeRate' | 'n'>): Drop {
  const share = changeRate ?? 0;
  return { drop: share, ci95: [0, wilson(Math.round(share * n), n)[1]], basis: 'changes' };
}
