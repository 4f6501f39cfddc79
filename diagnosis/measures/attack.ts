import type { Prediction } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { AttackPoint, RunReport } from '../../schemas/report.ts';
import { differenceInterval, effectiveTrials, wilsonOf } from '../statistics/wilson.ts';
import { figures, labelledFigures, type Sources } from './figures.ts';

/** One row of the robustness curve: accuracy under the same attack before and after training. */
export type AttackComparison = RunReport['pgd'][number];

/** What was attacked, how, and how strongly. */
export type AttackSettings = Omit<
  AttackPoint,
  'accuracy' | 'changeRate' | 'n' | 'effective' | 'control' | 'origin'
>;

/** Further answers to the same samples. */
interface Beside {
  /** Under a random change of the same size. */
  control?: readonly Prediction[] | undefined;
  /** Of the model that the examples were made on. */
  origin?: readonly Prediction[] | undefined;
  /** The samples' source items. */
  sources?: Sources;
}

/** Figures of one attack. `clean` holds the predictions of the same samples without it. */
export function attackPoint(
  settings: AttackSettings,
  clean: readonly Prediction[],
  attacked: readonly Prediction[],
  { control, origin, sources = new Map() }: Beside = {},
): AttackPoint {
  const measured = (answers: readonly Prediction[], what: string) =>
    labelledFigures(`${settings.taskKind} under ${what}`, figures(clean, answers));
  const { accuracy, changeRate, n } = measured(attacked, settings.attack);
  const effective = effectiveTrials(
    attacked.map(({ answer, predicted }) => predicted === answer),
    attacked.map(({ id }) => sources.get(id) ?? id),
  );
  const point = {
    ...settings,
    ...{ accuracy, changeRate, n, effective },
    ...(origin ? { origin: measured(origin, `the model that ${settings.attack} comes from`).accuracy } : {}),
  };
  if (!control) return point;
  const random = measured(control, `the control of ${settings.attack}`);
  return { ...point, control: { accuracy: random.accuracy, changeRate: random.changeRate } };
}

const nameOf = (point: AttackPoint) => `${point.taskKind}/${point.attack}/${point.eps}`;

/** Sizes that were asked for as multiples of the embeddings' own are equal as such, and differ a little by themselves. */
const isAlike = (one: AttackPoint, other: AttackPoint) =>
  one.taskKind === other.taskKind &&
  one.attack === other.attack &&
  (one.eps === other.eps || (one.epsRelative !== undefined && one.epsRelative === other.epsRelative));

const withInterval = ({ accuracy: share, effective, n }: AttackPoint) => ({
  share,
  interval: wilsonOf(share, effective ?? n),
});

/**
 * Pairs the points of the base and of the trained model. `eps` and `epsRelative` are the base model's: training moves the embeddings'
 * size a little. Examples that were made on the base were measured on the trained model alone. Sorted by task kind, attack and eps.
 * @throws GuardError BadInput where one of the two models has a point that the other lacks.
 */
export function compareAttacks(
  before: readonly AttackPoint[],
  after: readonly AttackPoint[],
): AttackComparison[] {
  const missing = (point: AttackPoint, model: string) =>
    new GuardError(ErrorCode.BadInput, `Attack ${nameOf(point)} was not measured on the ${model} model.`);
  const rest = new Set(after);
  const rows = before.map((point) => {
    const other = after.find((one) => isAlike(point, one));
    if (other === undefined) throw missing(point, 'trained');
    rest.delete(other);
    return comparison(point, withInterval(point), other);
  });
  for (const point of rest) {
    if (point.origin === undefined) throw missing(point, 'base');
    rows.push(comparison(point, withInterval({ ...point, accuracy: point.origin }), point));
  }
  return rows.sort(
    (a, b) => a.taskKind.localeCompare(b.taskKind) || a.attack.localeCompare(b.attack) || a.eps - b.eps,
  );
}

function comparison(
  { attack, eps, epsRelative, n, steps, taskKind }: AttackPoint,
  was: ReturnType<typeof withInterval>,
  after: AttackPoint,
): AttackComparison {
  const is = withInterval(after);
  return {
    taskKind,
    eps,
    ...(epsRelative === undefined ? {} : { epsRelative }),
    attack,
    ...(steps === undefined ? {} : { steps }),
    before: was.share,
    after: is.share,
    n: Math.min(n, after.n),
    beforeCi95: was.interval,
    afterCi95: is.interval,
    differenceCi95: differenceInterval(was, is),
  };
}
