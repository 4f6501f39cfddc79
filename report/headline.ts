import { isInterference, withRightHints } from '../schemas/benchmark.ts';
import type { ConditionFigures, RunReport } from '../schemas/report.ts';
import { type Condition, percent, perturbationPhrase, sortedConditions, taskLabel } from './labels.ts';

/** What the run found at worst: the condition with the largest fall of the base model's accuracy. */
export interface WorstCase extends Condition {
  /** Base model, unperturbed. */
  clean: ConditionFigures;
  before: ConditionFigures;
  /** Trained model under the same perturbation; null if it was not measured. */
  after: ConditionFigures | null;
}

/** A fall of accuracy under this, or within the interval's noise, is not called interference. */
const worthNaming = 0.03;

export function worstCase(report: Pick<RunReport, 'base' | 'trained' | 'rightHints'>): WorstCase | null {
  const rightHints = withRightHints(report.rightHints);
  const cases = sortedConditions(Object.keys(report.base)).flatMap((condition): WorstCase[] => {
    const { key, kind, perturbation } = condition;
    const clean = report.base[`${kind}/origin`];
    const before = report.base[key];
    if (clean === undefined || before === undefined) return [];
    if (!isInterference(perturbation, rightHints)) return [];
    return [{ ...condition, clean, before, after: report.trained[key] ?? null }];
  });
  const fall = ({ clean, before }: WorstCase) => clean.accuracy - before.accuracy;
  const worst = cases.reduce<WorstCase | null>(
    (most, next) => (most === null || fall(next) > fall(most) ? next : most),
    null,
  );
  if (worst === null || fall(worst) < worthNaming || worst.before.ci95[1] >= worst.clean.accuracy)
    return null;
  return worst;
}

function found(worst: WorstCase): string {
  const cause = perturbationPhrase(worst.perturbation);
  const tasks = taskLabel(worst.kind).toLowerCase();
  const [from, to] = [percent(worst.clean.accuracy), percent(worst.before.accuracy)];
  return `On ${tasks}, ${cause} cut the model’s accuracy from ${from} to ${to}`;
}

function repaired({ clean, before, after }: WorstCase): string {
  if (after === null) return 'the trained model was not measured there';
  const lost = clean.accuracy - before.accuracy;
  const regained = (after.accuracy - before.accuracy) / lost;
  const now = percent(after.accuracy);
  if (regained >= 0.9) return `training restored it to ${now}`;
  if (after.ci95[0] > before.accuracy) return `training raised it to ${now}`;
  if (after.ci95[1] < before.accuracy) return `training lowered it further, to ${now}`;
  return `training left it at ${now}`;
}

const decided: Record<RunReport['rollout']['outcome'], string> = {
  promoted: 'the rollout promoted the trained model',
  rolled_back: 'the rollout went back to the model in service',
  rejected: 'the trained model was rejected',
};

/** The run in one sentence: what was found, what the repair did, what the rollout decided. */
export function headline(report: RunReport): string {
  const worst = worstCase(report);
  const decision = decided[report.rollout.outcome];
  if (worst === null) return `No perturbation moved the model’s accuracy measurably, and ${decision}.`;
  return `${found(worst)}; ${repaired(worst)}, and ${decision}.`;
}
