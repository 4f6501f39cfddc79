import type { Floor } from '../../schemas/diagnosis.ts';
import { type GateFinding, type GateResult, type GateRule, isInPoints } from '../../schemas/gate.ts';
import type { Verdict } from '../../schemas/report.ts';
import { mostUnanswered, sumOfUnanswered, whyUnanswered } from '../../schemas/unanswered.ts';
import { conditionOf, groupedBy, unansweredCounts } from '../measures/figures.ts';
import { atChanceWords, floorOf } from '../measures/floor.ts';
import { upperTail } from '../statistics/normal.ts';
import { togetherQuantile } from '../statistics/together.ts';
import { conditionsOfRules, measurableOf, ofInterference, strengthOf } from './conditions.ts';
import {
  askedUnder,
  cleanFor,
  type Evidence,
  type GroupedEvidence,
  type Measured,
  measured,
} from './figures.ts';

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const inPoints = (share: number) => `${(share * 100).toFixed(1)} points`;

const names: Record<GateRule['figure'], string> = {
  drop: 'accuracy lost',
  dropAgainstControl: 'accuracy lost against neutral text of the same length',
  dropAgainstEarlier: 'accuracy lost since the earlier diagnosis',
  accuracy: 'accuracy',
  changeRate: 'share of changed answers',
  followed: 'share of answers that follow the hint',
  ece: 'calibration error',
  worst: 'accuracy in the worst case of each sample',
  competency: 'cross-modality competency',
  attackAccuracy: 'accuracy',
  unanswered: 'share of questions without an answer',
};

const noLabels = 'no labels or answers there';
const incomplete = 'no sample with a label was asked every condition';
/** Why a figure may not be there. */
const missing: Record<GateRule['figure'], string> = {
  drop: noLabels,
  dropAgainstControl: 'no labels or no neutral control there',
  dropAgainstEarlier: 'no labels or answers there, or not asked in the earlier diagnosis',
  accuracy: noLabels,
  changeRate: 'no samples with both answers there',
  followed: 'no hints or answers there',
  ece: noLabels,
  worst: incomplete,
  competency: `of some kind ${incomplete}`,
  attackAccuracy: noLabels,
  unanswered: 'no samples there',
};

interface Limit {
  limit: GateResult['limit'];
  threshold: number;
}

function limitOf({ atLeast, atMost }: GateRule): Limit {
  return atMost === undefined
    ? { limit: 'atLeast', threshold: atLeast as number }
    : { limit: 'atMost', threshold: atMost };
}

/** `pass`: the bound on the limit's side keeps to it; `fail`: the other one is beyond it. Else the data do not decide. */
function judged([low, high]: readonly [number, number], { limit, threshold }: Limit): Verdict {
  const [best, worst] = limit === 'atMost' ? [low, high] : [-high, -low];
  const bound = limit === 'atMost' ? threshold : -threshold;
  if (worst <= bound) return 'pass';
  return best > bound ? 'fail' : 'inconclusive';
}

/** Set where the model does no better than chance without the perturbation: keeping to the limit then shows nothing. */
function hopeless(evidence: GroupedEvidence, { figure }: GateRule, condition: string): Floor | null {
  if (!ofInterference.has(figure)) return null;
  const floor = floorOf(cleanFor(evidence, condition), evidence.sourceOf);
  return floor?.atChance ? floor : null;
}

/** What the two verdicts ask for: confidences, each of a bound on one side. */
interface Confidences {
  pass: number;
  fail: number;
}

/**
 * A pass claims that every condition keeps to the limit. It is wrong only if the bound of the one that does not is, so each is asked
 * for at the rule's own confidence (an intersection-union test, Berger 1982). A failure claims that one condition does not: the bounds
 * of all conditions hold together, and those of all rules.
 */
function confidencesFor(
  { confidence }: GateRule,
  found: readonly (Measured | null)[],
  { rules, seed }: { rules: number; seed: number },
): Confidences {
  const fail = 1 - (1 - confidence) / rules;
  const measuredOnes = found.filter((one) => one !== null);
  const shared = measuredOnes.map(({ deviations }) => deviations?.() ?? new Map<string, number>());
  return { pass: confidence, fail: 1 - upperTail(togetherQuantile(shared, fail, seed)) };
}

/** The ends that the verdicts rest on. */
function boundsOf({ interval }: Measured, { limit }: Limit, { fail, pass }: Confidences): [number, number] {
  const oneSided = (confidence: number) => interval(2 * confidence - 1);
  return limit === 'atMost' ? [oneSided(fail)[0], oneSided(pass)[1]] : [oneSided(pass)[0], oneSided(fail)[1]];
}

/** A finding with what it lacks: where too many answers are missing, those that are there do not pass for all. */
interface Found extends GateFinding {
  lacking?: NonNullable<Measured['missing']>;
}

function find(
  evidence: GroupedEvidence,
  rule: GateRule,
  condition: string,
  { confidences, found }: { confidences: Confidences; found: Measured | null },
): Found {
  const limit = limitOf(rule);
  const { missing: absent, n = 0, value = null } = found ?? {};
  const interval = found && boundsOf(found, limit, confidences);
  // What was answered is counted, not estimated.
  if (rule.figure === 'unanswered' && value !== null)
    return { condition, value, interval, n, verdict: judged([value, value], limit) };
  const { mostUnanswered: most = mostUnanswered } = evidence;
  const lacking = absent && absent.samples > most * absent.asked ? { lacking: absent } : {};
  const doubtful = 'lacking' in lacking || hopeless(evidence, rule, condition);
  const judgedAs = interval !== null && n >= rule.minimumSamples ? judged(interval, limit) : null;
  const decided = judgedAs === 'pass' && doubtful ? null : judgedAs;
  const verdict = decided === null || decided === 'inconclusive' ? rule.onNotEnoughData : decided;
  return { condition, value, interval, n, verdict, ...lacking };
}

/** How many were not answered, and why. */
function answeredReason(evidence: GroupedEvidence, { condition, n }: GateFinding, rule: GateRule): string {
  const counts = unansweredCounts(askedUnder(evidence, condition)) ?? {};
  const { total } = sumOfUnanswered([counts]);
  const { limit, threshold } = limitOf(rule);
  const asked = `${limit === 'atMost' ? 'at most' : 'at least'} ${percent(threshold)} asked`;
  const answered = total === n ? `none of the ${n} questions` : `${n - total} of the ${n} questions`;
  const why = total === 0 ? '' : ` (${whyUnanswered(counts, evidence.endpoint)})`;
  return `${answered} under ${condition} answered, ${percent(total / n)} not${why}; ${asked}.`;
}

/** About how many samples would decide if the figure stayed what it is; null where that is more than a hundred times as many. */
function samplesNeeded({ interval, n, value }: GateFinding, { limit, threshold }: Limit): number | null {
  if (value === null || interval === null || value === threshold) return null;
  const keeps = limit === 'atMost' ? value < threshold : value > threshold;
  const bound = keeps === (limit === 'atMost') ? interval[1] : interval[0];
  const times = ((bound - value) / (threshold - value)) ** 2;
  return times > 100 ? null : Number((n * times).toPrecision(2));
}

/** What is known with the rule's confidence: what its verdict rests on, or both bounds. */
function boundsIn({ interval }: GateFinding, rule: GateRule, several: number): string {
  const say = isInPoints(rule.figure) ? inPoints : percent;
  const [low, high] = interval!;
  const limit = limitOf(rule);
  const verdict = judged(interval!, limit);
  const sure = `with ${percent(rule.confidence).replace('.0', '')} confidence`;
  // Only the bound that a failure rests on is one for all conditions together.
  const together = several > 1 ? ` (${several} conditions together)` : '';
  const [ofLow, ofHigh] = limit.limit === 'atMost' ? [together, ''] : ['', together];
  const [least, most] = [`at least ${say(low)} ${sure}${ofLow}`, `at most ${say(high)} ${sure}${ofHigh}`];
  if (verdict === 'inconclusive') return `${least}, ${most}`;
  return (verdict === 'pass') === (limit.limit === 'atMost') ? most : least;
}

function reasonOf(evidence: GroupedEvidence, finding: Found, rule: GateRule, several: number): string {
  const { condition, interval, lacking, n, value, verdict } = finding;
  if (rule.figure === 'unanswered' && value !== null) return answeredReason(evidence, finding, rule);
  const { limit, threshold } = limitOf(rule);
  const say = isInPoints(rule.figure) ? inPoints : percent;
  const asked = `${limit === 'atMost' ? 'at most' : 'at least'} ${say(threshold)} asked`;
  const strength = strengthOf(rule);
  const where = rule.figure === 'competency' ? '' : ` under ${condition}${strength}`;
  const what = `${names[rule.figure]}${where}`;
  if (value === null || interval === null)
    return `${what} could not be measured (${missing[rule.figure]}); ${asked}.`;
  const figures = `${what}: ${say(value)} on ${n} samples, ${boundsIn(finding, rule, several)}; ${asked}`;
  if (n < rule.minimumSamples)
    return `${figures}, but fewer than ${rule.minimumSamples} samples decide nothing, which the rule takes for "${verdict}".`;
  if (lacking && judged(interval, { limit, threshold }) === 'pass')
    return `${figures}, but ${lacking.samples} of ${lacking.asked} samples were not answered: those that were do not decide, which the rule takes for "${verdict}".`;
  const floor = judged(interval, { limit, threshold }) === 'pass' && hopeless(evidence, rule, condition);
  if (floor)
    return `${figures}; but the model ${atChanceWords(floor)}, which the rule takes for "${verdict}".`;
  if (judged(interval, { limit, threshold }) === 'inconclusive') {
    const needed = samplesNeeded(finding, { limit, threshold });
    const more = needed === null ? '' : ` (about ${needed} samples would, if the figure stayed)`;
    return `${figures}: the data do not decide${more}, which the rule takes for "${verdict}".`;
  }
  return `${figures}.`;
}

const severity: Verdict[] = ['pass', 'inconclusive', 'fail'];

/** How far a finding is from its limit, on the wrong side positive; what could not be measured comes first. */
function excess({ value }: GateFinding, { limit, threshold }: Limit): number {
  if (value === null) return Number.POSITIVE_INFINITY;
  return limit === 'atMost' ? value - threshold : threshold - value;
}

function judgeRule(
  evidence: GroupedEvidence,
  rule: GateRule,
  { conditions, rules }: { conditions: readonly string[]; rules: number },
): GateResult {
  const found = conditions.map((condition) => measured(evidence, rule, condition));
  const confidences = confidencesFor(rule, found, { rules, seed: evidence.seed });
  const findings = conditions.map((condition, i) =>
    find(evidence, rule, condition, { confidences, found: found[i]! }),
  );
  const limit = limitOf(rule);
  const rank = (finding: Found) => severity.indexOf(finding.verdict);
  const decisive = findings.reduce((worst, next) =>
    rank(next) > rank(worst) || (rank(next) === rank(worst) && excess(next, limit) > excess(worst, limit))
      ? next
      : worst,
  );
  const { figure, name } = rule;
  const plain = ({ lacking: _, ...finding }: Found): GateFinding => finding;
  return {
    name,
    ...plain(decisive),
    figure,
    ...(rule.eps === undefined ? {} : { eps: rule.eps }),
    ...(rule.epsRelative === undefined ? {} : { epsRelative: rule.epsRelative }),
    ...limit,
    confidence: rule.confidence,
    reason: reasonOf(evidence, decisive, rule, conditions.length),
    rule: rule.condition,
    findings: findings.map(plain),
  };
}

/**
 * Judges a diagnosis by rules. A rule over several conditions fails if one of them does and passes if all do. A model that keeps to
 * all rules fails by chance no more often than their confidence says, however many rules and conditions there are. The verdict of
 * all: `fail` if one rule fails, else `inconclusive` if one is or there is none.
 * @throws GuardError BadConfig for a rule whose condition the diagnosis does not have
 */
export function judgeGates(
  evidence: Evidence,
  rules: readonly GateRule[],
): { verdict: Verdict; gates: GateResult[] } {
  const grouped = { ...evidence, byCondition: groupedBy(evidence.predictions, conditionOf) };
  // What is counted does not err by chance.
  const estimated = Math.max(1, rules.filter(({ figure }) => figure !== 'unanswered').length);
  const meant = conditionsOfRules(measurableOf(evidence), rules);
  const gates = rules.map((rule, i) => judgeRule(grouped, rule, { conditions: meant[i]!, rules: estimated }));
  return { verdict: gates.length === 0 ? 'inconclusive' : strictest(gates), gates };
}

/** The verdict of several together. */
export function strictest(found: readonly { verdict: Verdict }[]): Verdict {
  const worst = found.reduce((most, { verdict }) => Math.max(most, severity.indexOf(verdict)), 0);
  return severity[worst] as Verdict;
}
