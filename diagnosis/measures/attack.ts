import type { Prediction } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { AttackPoint, RunReport } from '../../schemas/report.ts';
import { differenceInterval, effectiveTrials, wilsonOf } from '../statistics/wilson.ts';
import { figures, labelledFigures, type Sources } from './figures.ts';

/** One row of the robustness curve: accuracy under the same attack before and after training. */
export type AttackComparison = RunReport['pgd'][number];

/** What was attacked, how, and how strongly. */
export type AttackSettings = Omit<AttackPoint, 'accuracy' | 'changeRate' | 'n' | 'effective' | 'control'>;

/**
 * Figures of one attack. `clean` holds the predictions of the same samples without it; `control` those under a random change;
 * `sources` the samples' source items.
 */
export function attackPoint(
  settings: AttackSettings,
  clean: readonly Prediction[],
  attacked: readonly Prediction[],
  { control, sources = new Map() }: { control?: readonly Prediction[] | undefined; sources?: Sources } = {},
): AttackPoint {
  const measured = (answers: readonly Prediction[], what: string) =>
    labelledFigures(`${settings.taskKind} under ${what}`, figures(clean, answers));
  const { accuracy, changeRate, n } = measured(attacked, settings.attack);
  const effective = effectiveTrials(
    attacked.map(({ answer, predicted }) => predicted === answer),
    attacked.map(({ id }) => sources.get(id) ?? id),
  );
  const point = { ...settings, accuracy, changeRate, n, effective };
  if (!control) return point;
  const random = measured(control, `the control of ${settings.attack}`);
  return { ...point, control: { accuracy: random.accuracy, changeRate: random.changeRate } };
}

const pointKey = (point: AttackPoint) => `${point.taskKind}/${point.attack}/${point.eps}`;

const withInterval = ({ accuracy: share, effective, n }: AttackPoint) => ({
  share,
  interval: wilsonOf(share, effective ?? n),
});

/**
 * Pairs the points of the base and of the trained model. `epsRelative` is the base model's: training moves the embeddings'
 * size a little. Sorted by task kind, attack and eps.
 * @throws GuardError BadInput where one of the two models has a point that the other lacks.
 */
export function compareAttacks(
  before: readonly AttackPoint[],
  after: readonly AttackPoint[],
): AttackComparison[] {
  const rest = new Map(after.map((point) => [pointKey(point), point]));
  const missing = (point: AttackPoint, model: string) =>
    new GuardError(ErrorCode.BadInput, `Attack ${pointKey(point)} was not measured on the ${model} model.`);
  const rows = before.map((point): AttackComparison => {
    const other = rest.get(pointKey(point));
    if (other === undefined) throw missing(point, 'trained');
    rest.delete(pointKey(point));
    const { taskKind, eps, epsRelative, attack, n } = point;
    const relative = epsRelative === undefined ? {} : { epsRelative };
    const [was, is] = [withInterval(point), withInterval(other)];
    return {
      taskKind,
      eps,
      ...relative,
      attack,
      before: point.accuracy,
      after: other.accuracy,
      n: Math.min(n, other.n),
      beforeCi95: was.interval,
      afterCi95: is.interval,
      differenceCi95: differenceInterval(was, is),
    };
  });
  for (const point of rest.values()) throw missing(point, 'base');
  return rows.sort(
    (a, b) => a.taskKind.localeCompare(b.taskKind) || a.attack.localeCompare(b.attack) || a.eps - b.eps,
  );
}
