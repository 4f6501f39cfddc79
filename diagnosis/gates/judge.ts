import type { Floor } from '../../schemas/diagnosis.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { GateFinding, GateResult, GateRule } from '../../schemas/gate.ts';
import type { Verdict } from '../../schemas/report.ts';
import { conditionOf, groupedBy } from '../measures/figures.ts';
import { atChanceWords, floorOf } from '../measures/floor.ts';
import {
  cleanFor,
  conditionsOf,
  type Evidence,
  type GroupedEvidence,
  matching,
  measured,
  ofInterference,
} from './figures.ts';

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const inPoints = (share: number) => `${(share * 100).toFixed(1)} points`;

const names: Record<GateRule['figure'], string> = {
  drop: 'accuracy lost',
  accuracy: 'accuracy',
  changeRate: 'share of changed answers',
  followed: 'share of answers that follow the hint',
  ece: 'calibration error',
  worst: 'accuracy in the worst case of each sample',
  competency: 'cross-modality competency',
  attackAccuracy: 'accuracy',
};

const noLabels = 'no labels there';
const incomplete = 'no sample with a label was asked every condition';
/** Why a figure may not be there. */
const missing: Record<GateRule['figure'], string> = {
  drop: noLabels,
  accuracy: noLabels,
  changeRate: 'no samples there',
  followed: 'no hints there',
  ece: noLabels,
  worst: incomplete,
  competency: `of some kind ${incomplete}`,
  attackAccuracy: noLabels,
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

/** `pass`: the whole interval keeps to the limit; `fail`: the whole interval is beyond it. Else the data do not decide. */
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

function find(evidence: GroupedEvidence, rule: GateRule, condition: string, confidence: number): GateFinding {
  const found = measured(evidence, rule, condition, confidence);
  const { interval = null, n = 0, value = null } = found ?? {};
  const judgedAs = interval !== null && n >= rule.minimumSamples ? judged(interval, limitOf(rule)) : null;
  const decided = judgedAs === 'pass' && hopeless(evidence, rule, condition) ? null : judgedAs;
  const verdict = decided === null || decided === 'inconclusive' ? rule.onNotEnoughData : decided;
  return { condition, value, interval, n, verdict };
}

function reasonOf(evidence: GroupedEvidence, finding: GateFinding, rule: GateRule, several: number): string {
  const { condition, interval, n, value, verdict } = finding;
  const { limit, threshold } = limitOf(rule);
  const say = rule.figure === 'drop' ? inPoints : percent;
  const asked = `${limit === 'atMost' ? 'at most' : 'at least'} ${say(threshold)} asked`;
  const strength = rule.eps === undefined ? '' : ` at eps ${rule.eps}`;
  const where = rule.figure === 'competency' ? '' : ` under ${condition}${strength}`;
  const what = `${names[rule.figure]}${where}`;
  if (value === null || interval === null)
    return `${what} could not be measured (${missing[rule.figure]}); ${asked}.`;
  const together = several > 1 ? ` for all ${several} conditions together` : '';
  const sure = `${say(interval[0]).replace(/ points$/, '')} to ${say(interval[1])} with ${percent(rule.confidence).replace('.0', '')} confidence${together}`;
  const figures = `${what}: ${say(value)} on ${n} samples, ${sure}; ${asked}`;
  if (n < rule.minimumSamples)
    return `${figures}, but fewer than ${rule.minimumSamples} samples decide nothing.`;
  const floor = judged(interval, { limit, threshold }) === 'pass' && hopeless(evidence, rule, condition);
  if (floor)
    return `${figures}; but the model ${atChanceWords(floor)}, which the rule takes for "${verdict}".`;
  if (judged(interval, { limit, threshold }) === 'inconclusive')
    return `${figures}: the data do not decide, which the rule takes for "${verdict}".`;
  return `${figures}.`;
}

const severity: Verdict[] = ['pass', 'inconclusive', 'fail'];

/** How far a finding is from its limit, on the wrong side positive; what could not be measured comes first. */
function excess({ value }: GateFinding, { limit, threshold }: Limit): number {
  if (value === null) return Number.POSITIVE_INFINITY;
  return limit === 'atMost' ? value - threshold : threshold - value;
}

function unknownCondition(evidence: Evidence, rule: GateRule): GuardError {
  const all = conditionsOf(evidence, rule).join(', ') || 'none';
  const at = rule.eps === undefined ? '' : ` at eps ${rule.eps}`;
  const eps = [...new Set(evidence.attacks.map((point) => point.eps))].join(', ');
  const strengths = rule.eps === undefined ? '' : ` (eps that were measured: ${eps || 'none'})`;
  return new GuardError(
    ErrorCode.BadConfig,
    `gate "${rule.name}": no condition of this diagnosis is "${rule.condition}"${at}; there are: ${all}${strengths}. ` +
      'A rule that checks nothing is a mistake: correct its condition or take it out.',
  );
}

/** @throws GuardError BadConfig for a condition that the diagnosis does not have */
function judgeRule(evidence: GroupedEvidence, rule: GateRule): GateResult {
  const conditions = matching(evidence, rule);
  if (conditions.length === 0) throw unknownCondition(evidence, rule);
  const each = 1 - (1 - rule.confidence) / conditions.length;
  const findings = conditions.map((condition) => find(evidence, rule, condition, each));
  const limit = limitOf(rule);
  const rank = (finding: GateFinding) => severity.indexOf(finding.verdict);
  const decisive = findings.reduce((worst, next) =>
    rank(next) > rank(worst) || (rank(next) === rank(worst) && excess(next, limit) > excess(worst, limit))
      ? next
      : worst,
  );
  const { figure, name } = rule;
  return {
    name,
    ...decisive,
    figure,
    ...(rule.eps === undefined ? {} : { eps: rule.eps }),
    ...limit,
    confidence: rule.confidence,
    reason: reasonOf(evidence, decisive, rule, conditions.length),
    rule: rule.condition,
    findings,
  };
}

/**
 * Judges a diagnosis by rules. A rule over several conditions fails if one of them does and passes if all do; their
 * intervals are widened so that they hold together. The verdict of all: `fail` if one rule fails, else `inconclusive` if
 * one is or there is none. @throws GuardError BadConfig for a rule whose condition the diagnosis does not have
 */
export function judgeGates(
  evidence: Evidence,
  rules: readonly GateRule[],
): { verdict: Verdict; gates: GateResult[] } {
  const grouped = { ...evidence, byCondition: groupedBy(evidence.predictions, conditionOf) };
  const gates = rules.map((rule) => judgeRule(grouped, rule));
  return { verdict: gates.length === 0 ? 'inconclusive' : strictest(gates), gates };
}

/** The verdict of several together. */
export function strictest(found: readonly { verdict: Verdict }[]): Verdict {
  const worst = found.reduce((most, { verdict }) => Math.max(most, severity.indexOf(verdict)), 0);
  return severity[worst] as Verdict;
}
