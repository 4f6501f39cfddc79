import { isAnswered, type Prediction } from '../../schemas/benchmark.ts';
import type { EndpointUse } from '../../schemas/endpoint.ts';
import type { GateRule } from '../../schemas/gate.ts';
import type { AttackPoint } from '../../schemas/report.ts';
import { calibrationError } from '../measures/calibration.ts';
import type { TaskOf } from '../measures/complete.ts';
import { besideControls } from '../measures/controls.ts';
import { pairedDrop } from '../measures/drop.ts';
import { answeredPairs, groupedBy, type Hints, hintKey } from '../measures/figures.ts';
import { rightHintsOf } from '../measures/right-hints.ts';
import { worstCase } from '../measures/worst.ts';
import { bootstrapStatistic } from '../statistics/bootstrap.ts';
import { pairedInterval } from '../statistics/paired.ts';
import { type Deviations, deviationsOf } from '../statistics/together.ts';
import { clusteredWilson, wilsonOf } from '../statistics/wilson.ts';
import { isStrength } from './conditions.ts';

/** What a gate looks at: every prediction of a diagnosis, `origin` included, and its attack points. */
export interface Evidence {
  predictions: readonly Prediction[];
  hints: Hints;
  sourceOf: (id: string) => string;
  /** Absent: nobody has tasks of their own. */
  taskOf?: TaskOf | undefined;
  attacks: readonly AttackPoint[];
  seed: number;
  /** The share of unanswered questions from which on no rule passes; 2 % unless said. */
  mostUnanswered?: number | undefined;
  /** The same samples' predictions in an earlier diagnosis, by condition; absent: there is none to compare with. */
  earlier?: ReadonlyMap<string, readonly Prediction[]> | undefined;
  /** What an endpoint was asked, for the reasons. */
  endpoint?: Pick<EndpointUse, 'maxTokens' | 'words'> | null | undefined;
}

/** With the predictions of each condition at hand: a rule may ask for all of them. */
export interface GroupedEvidence extends Evidence {
  byCondition: ReadonlyMap<string, readonly Prediction[]>;
}

/** A rule's figure under one condition. */
export interface Measured {
  value: number;
  n: number;
  /** Its interval, half of what it leaves out on either side. */
  interval: (confidence: number) => [number, number];
  /** What each source item adds to its error; absent where that is not known. */
  deviations?: () => Deviations;
  /** Samples, of all that were asked, that lack an answer and so could not be measured; absent: none. */
  missing?: { samples: number; asked: number };
}

const withMissing = (found: Measured | null, answered: number, asked: number): Measured | null =>
  found && answered < asked ? { ...found, missing: { samples: asked - answered, asked } } : found;

type Measure = (evidence: GroupedEvidence, condition: string) => Measured | null;

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
): Measured | null {
  const n = predictions.length;
  if (n === 0) return null;
  const hits = predictions.map(hit);
  const clusters = predictions.map(({ id }) => sourceOf(id));
  return {
    value: hits.filter(Boolean).length / n,
    n,
    interval: (confidence) => clusteredWilson(hits, clusters, confidence),
    deviations: () => deviationsOf(hits.map(Number), clusters),
  };
}

const accuracy: Measure = (evidence, condition) =>
  shareOf(labelled(under(evidence, condition)), ({ answer, predicted }) => answer === predicted, evidence);

const changeRate: Measure = (evidence, condition) => {
  const pairs = answeredPairs(cleanFor(evidence, condition), under(evidence, condition));
  const changed = new Set<Prediction>(
    pairs.filter(({ after, before }) => after.predicted !== before.predicted).map(({ after }) => after),
  );
  const both = pairs.map(({ after }) => after);
  const found = shareOf(both, (prediction) => changed.has(prediction), evidence);
  return withMissing(found, both.length, under(evidence, condition).length);
};

const followed: Measure = (evidence, condition) => {
  const hinted = under(evidence, condition).filter((prediction) => evidence.hints.has(hintKey(prediction)));
  const follows = (prediction: Prediction) =>
    prediction.predicted === evidence.hints.get(hintKey(prediction));
  const answered = hinted.filter(isAnswered);
  return withMissing(shareOf(answered, follows, evidence), answered.length, hinted.length);
};

/** The accuracy lost between two series of answers to the same samples. */
function lostBetween(answers: Parameters<typeof pairedDrop>[0], evidence: Evidence): Measured | null {
  const paired = pairedDrop(answers, evidence);
  if (paired === null) return null;
  const found: Measured = {
    value: paired.drop,
    n: paired.lost.length,
    interval: (confidence) => pairedInterval(paired.pairs, confidence),
    deviations: () => deviationsOf(paired.lost, paired.clusters),
  };
  return withMissing(found, paired.answered, paired.answered + paired.unanswered);
}

const drop: Measure = (evidence, condition) =>
  lostBetween({ clean: cleanFor(evidence, condition), perturbed: under(evidence, condition) }, evidence);

/** Each condition beside its control, paired once for all rules. */
const besides = new WeakMap<GroupedEvidence['byCondition'], ReturnType<typeof besideControls>>();
function besideOf({ byCondition }: GroupedEvidence): ReturnType<typeof besideControls> {
  const known = besides.get(byCondition) ?? besideControls(byCondition);
  besides.set(byCondition, known);
  return known;
}

const dropAgainstControl: Measure = (evidence, condition) => {
  const beside = besideOf(evidence).get(condition);
  return beside ? lostBetween(beside, evidence) : null;
};

/** Accuracy under the condition before, minus now. */
const dropAgainstEarlier: Measure = (evidence, condition) => {
  const before = evidence.earlier?.get(condition);
  return before ? lostBetween({ clean: before, perturbed: under(evidence, condition) }, evidence) : null;
};

const ece: Measure = (evidence, condition) => {
  const all = labelled(under(evidence, condition));
  const predictions = all.filter(isAnswered);
  const value = calibrationError(predictions);
  if (value === null) return null;
  const groups = groupedBy(predictions, ({ id }) => evidence.sourceOf(id));
  const interval = (confidence: number) =>
    bootstrapStatistic([...groups.values()], (drawn) => calibrationError(drawn) ?? 0, {
      seed: evidence.seed,
      stream: `ece ${condition}`,
      resamples: 1000,
      confidence,
    });
  return withMissing({ value, interval, n: predictions.length }, predictions.length, all.length);
};

const unanswered: Measure = (evidence, condition) =>
  shareOf(askedUnder(evidence, condition), (prediction) => !isAnswered(prediction), evidence);

/** The predictions of a condition, or of a whole kind of task. */
export function askedUnder(evidence: GroupedEvidence, condition: string): readonly Prediction[] {
  return condition.includes('/')
    ? under(evidence, condition)
    : evidence.predictions.filter(({ taskKind }) => taskKind === condition);
}

const measures = {
  drop,
  dropAgainstControl,
  dropAgainstEarlier,
  accuracy,
  changeRate,
  followed,
  ece,
  unanswered,
} as const satisfies Record<string, Measure>;

function attackAccuracy({ attacks }: Evidence, rule: GateRule, condition: string): Measured | null {
  const point = attacks.find((one) => `${one.taskKind}/${one.attack}` === condition && isStrength(one, rule));
  if (!point) return null;
  const interval = (confidence: number) => wilsonOf(point.accuracy, point.effective ?? point.n, confidence);
  return { value: point.accuracy, interval, n: point.n };
}

/** The rule's figure under one condition; null where it cannot be measured. */
export function measured(evidence: GroupedEvidence, rule: GateRule, condition: string): Measured | null {
  const { figure } = rule;
  if (figure === 'attackAccuracy') return attackAccuracy(evidence, rule, condition);
  if (figure !== 'worst' && figure !== 'competency') return measures[figure](evidence, condition);
  const helpful = rightHintsOf(evidence.predictions, evidence.hints);
  const at = (confidence: number) => {
    const { competency, worst } = worstCase(evidence.predictions, { ...evidence, confidence, helpful });
    return figure === 'competency' ? competency : (worst[condition] ?? null);
  };
  const found = at(rule.confidence);
  return found && { value: found.share, n: found.n, interval: (confidence) => at(confidence)!.ci95 };
}
