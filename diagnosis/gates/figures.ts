import { isInterference, type Prediction, TaskKind } from '../../schemas/benchmark.ts';
import type { GateRule } from '../../schemas/gate.ts';
import type { AttackPoint } from '../../schemas/report.ts';
import { calibrationError } from '../measures/calibration.ts';
import type { TaskOf } from '../measures/complete.ts';
import { pairedDrop } from '../measures/drop.ts';
import { byId, cleanOf, conditionOf, groupedBy, type Hints, hintKey } from '../measures/figures.ts';
import { rightHintsOf } from '../measures/right-hints.ts';
import { worstCase } from '../measures/worst.ts';
import { bootstrapStatistic } from '../statistics/bootstrap.ts';
import { clusteredWilson, wilsonOf } from '../statistics/wilson.ts';

/** What a gate looks at: every prediction of a diagnosis, `origin` included, and its attack points. */
export interface Evidence {
  predictions: readonly Prediction[];
  hints: Hints;
  sourceOf: (id: string) => string;
  /** Absent: nobody has tasks of their own. */
  taskOf?: TaskOf | undefined;
  attacks: readonly AttackPoint[];
  seed: number;
}

/** With the predictions of each condition at hand: a rule may ask for all of them. */
export interface GroupedEvidence extends Evidence {
  byCondition: ReadonlyMap<string, readonly Prediction[]>;
}

export interface Measured {
  value: number;
  interval: [number, number];
  n: number;
}

type Measure = (evidence: GroupedEvidence, condition: string, confidence: number) => Measured | null;

const under = ({ byCondition }: GroupedEvidence, condition: string) => byCondition.get(condition) ?? [];

/** The clean predictions of a condition's task kind. */
export const cleanFor = (evidence: GroupedEvidence, condition: string) =>
  under(evidence, `${condition.split('/')[0]}/origin`);

const labelled = (predictions: readonly Prediction[]) => predictions.filter(({ answer }) => answer !== null);

/** The share of predictions that `hit` says yes to; null without any. */
function shareOf(
  predictions: readonly Prediction[],
  hit: (prediction: Prediction) => boolean,
  { sourceOf }: Evidence,
  confidence: number,
): Measured | null {
  const n = predictions.length;
  if (n === 0) return null;
  const hits = predictions.map(hit);
  const clusters = predictions.map(({ id }) => sourceOf(id));
  return { value: hits.filter(Boolean).length / n, interval: clusteredWilson(hits, clusters, confidence), n };
}

const accuracy: Measure = (evidence, condition, confidence) =>
  shareOf(
    labelled(under(evidence, condition)),
    ({ answer, predicted }) => answer === predicted,
    evidence,
    confidence,
  );

const changeRate: Measure = (evidence, condition, confidence) => {
  const clean = byId(cleanFor(evidence, condition));
  const changed = (prediction: Prediction) => prediction.predicted !== cleanOf(clean, prediction).predicted;
  return shareOf(under(evidence, condition), changed, evidence, confidence);
};

const followed: Measure = (evidence, condition, confidence) => {
  const hinted = under(evidence, condition).filter((prediction) => evidence.hints.has(hintKey(prediction)));
  const follows = (prediction: Prediction) =>
    prediction.predicted === evidence.hints.get(hintKey(prediction));
  return shareOf(hinted, follows, evidence, confidence);
};

const drop: Measure = (evidence, condition, confidence) => {
  const input = {
    condition,
    clean: cleanFor(evidence, condition),
    perturbed: under(evidence, condition),
  };
  const paired = pairedDrop(input, { ...evidence, confidence });
  return paired && { value: paired.drop, interval: paired.interval, n: paired.lost.length };
};

const ece: Measure = (evidence, condition, confidence) => {
  const predictions = labelled(under(evidence, condition));
  const value = calibrationError(predictions);
  if (value === null) return null;
  const groups = groupedBy(predictions, ({ id }) => evidence.sourceOf(id));
  const interval = bootstrapStatistic([...groups.values()], (drawn) => calibrationError(drawn) ?? 0, {
    seed: evidence.seed,
    stream: `ece ${condition}`,
    resamples: 1000,
    confidence,
  });
  return { value, interval, n: predictions.length };
};

const measures = { drop, accuracy, changeRate, followed, ece } as const satisfies Record<string, Measure>;

/** Strengths such as 8/255 are written with a few digits. */
const isStrength = (eps: number, wanted = Number.NaN) => Math.abs(eps - wanted) <= 0.005 * wanted;

function attackAccuracy({ attacks }: Evidence, rule: GateRule, condition: string, confidence: number) {
  const point = attacks.find(
    ({ attack, eps, taskKind }) => `${taskKind}/${attack}` === condition && isStrength(eps, rule.eps),
  );
  if (!point) return null;
  const interval = wilsonOf(point.accuracy, point.effective ?? point.n, confidence);
  return { value: point.accuracy, interval, n: point.n };
}

/** The rule's figure under one condition, with its interval; null where it cannot be measured. */
export function measured(
  evidence: GroupedEvidence,
  rule: GateRule,
  condition: string,
  confidence: number,
): Measured | null {
  const { figure } = rule;
  if (figure === 'attackAccuracy') return attackAccuracy(evidence, rule, condition, confidence);
  if (figure !== 'worst' && figure !== 'competency') return measures[figure](evidence, condition, confidence);
  const { competency, worst } = worstCase(evidence.predictions, {
    ...evidence,
    confidence,
    helpful: rightHintsOf(evidence.predictions, evidence.hints),
  });
  const found = figure === 'competency' ? competency : worst[condition];
  return found ? { value: found.share, interval: found.ci95, n: found.n } : null;
}

/** Figures of interference: a pattern of theirs does not mean `origin`, right hints, or what takes the deciding modality away. */
export const ofInterference: ReadonlySet<GateRule['figure']> = new Set(['drop', 'changeRate', 'followed']);

/** The conditions under which a rule's figure was or could have been measured. */
export function conditionsOf({ attacks, predictions }: Evidence, { eps, figure }: GateRule): string[] {
  if (figure === 'competency') return ['all kinds'];
  const kinds = Object.values(TaskKind).filter((kind) => predictions.some((p) => p.taskKind === kind));
  if (figure === 'worst') return kinds;
  if (figure === 'attackAccuracy')
    return attacks
      .filter((point) => isStrength(point.eps, eps))
      .map((point) => `${point.taskKind}/${point.attack}`);
  return [...new Set(predictions.map(conditionOf))];
}

/** The conditions that the rule's pattern means. */
export function matching(evidence: Evidence, rule: GateRule): string[] {
  const all = conditionsOf(evidence, rule);
  if (rule.figure === 'competency' || all.includes(rule.condition))
    return rule.figure === 'competency' ? all : [rule.condition];
  const parts = rule.condition.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  const pattern = new RegExp(`^${parts.join('.*')}$`);
  const matched = all.filter((condition) => pattern.test(condition));
  if (!ofInterference.has(rule.figure)) return matched;
  const rightHints = rightHintsOf(evidence.predictions, evidence.hints);
  return matched.filter((condition) =>
    isInterference(condition.slice(condition.indexOf('/') + 1), rightHints),
  );
}
