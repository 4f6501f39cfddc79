import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { PairedFigures, Verdict } from '../schemas/report.ts';
import { familyError, fewestPairs } from './rollout-plan.ts';
import { mcnemarExact } from './statistics/mcnemar.ts';
import { pairedInterval, pairsOf } from './statistics/paired.ts';

export interface PairedInput {
  /** What was compared, as it stands in the report, e.g. "VQA accuracy". */
  name: string;
  /** Right or wrong, request by request; both arrays in the same order. */
  champion: readonly boolean[];
  challenger: readonly boolean[];
  /** Largest fall of accuracy that is still accepted, a share: 0 = none, 0.04 = four points. */
  margin: number;
  /** Probability of passing by chance at the margin, and of failing by chance there. Default: 2.5 % each. */
  errors?: { pass: number; fail: number };
  /** Source item of each request: requests of one source tell less than as many of different ones. */
  sources?: readonly string[];
  /** With fewer pairs the verdict is always `inconclusive`. Default 30. */
  minimumPairs?: number;
}

const points = (share: number) => Math.abs(share * 100).toFixed(1);
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const confidence = (error: number) => `${Number((100 - error * 100).toFixed(2))} % confidence`;

/** `pass`: the lower limit lies at or above -margin. `fail`: the upper one lies below it. Else the data do not decide. */
export function judge({ lower, upper }: { lower: number; upper: number }, margin: number): Verdict {
  if (lower >= -margin) return 'pass';
  return upper < -margin ? 'fail' : 'inconclusive';
}

function explain(figures: Omit<PairedFigures, 'reason'>, minimumPairs: number): string {
  const { name, n, championAccuracy, challengerAccuracy, difference, margin, verdict } = figures;
  const { lower, passError, upper, failError } = figures.limits!;
  if (n < minimumPairs) {
    return `${name}: only ${n} comparable requests, at least ${minimumPairs} are needed to decide.`;
  }
  const allowed = margin === 0 ? 'no fall is accepted' : `a fall of ${points(margin)} points is accepted`;
  const worst =
    lower < 0 ? `at worst a fall of ${points(lower)} points` : `at least a gain of ${points(lower)} points`;
  const best =
    upper < 0 ? `at best a fall of ${points(upper)} points` : `at best a gain of ${points(upper)} points`;
  const direction = difference < 0 ? 'fell' : 'rose';
  const moved =
    championAccuracy === challengerAccuracy
      ? `stayed at ${percent(challengerAccuracy)}`
      : `${direction} from ${percent(championAccuracy)} to ${percent(challengerAccuracy)}`;
  const measured = `${name} ${moved} on ${n} requests`;
  switch (verdict) {
    case 'pass':
      return `${measured}: ${worst} with ${confidence(passError)}, and ${allowed}.`;
    case 'fail':
      return `${measured}: ${best} with ${confidence(failError)}, but ${margin === 0 ? '' : 'only '}${allowed}.`;
    case 'inconclusive':
      return `${measured}: ${worst} (${confidence(passError)}), ${best} (${confidence(failError)}), while ${allowed}; more requests or a person must decide.`;
  }
}

/**
 * Compares challenger and champion on the same requests: the difference of their accuracies, its score limits, McNemar's exact test,
 * and the verdict that follows from `margin`. Where requests share source items the limits are those of as many independent ones.
 * @throws GuardError BadInput if the arrays do not match, BadConfig for a margin outside [0, 1].
 */
export function pairedComparison(input: PairedInput): PairedFigures {
  const {
    name,
    champion,
    challenger,
    errors = familyError,
    margin,
    sources,
    minimumPairs = fewestPairs,
  } = input;
  const n = champion.length;
  if (challenger.length !== n || (sources !== undefined && sources.length !== n)) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${name}: ${n} answers of the champion, ${challenger.length} of the challenger` +
        `${sources === undefined ? '' : `, ${sources.length} sources`}; each request needs one of each.`,
    );
  }
  if (!(margin >= 0 && margin <= 1)) {
    throw new GuardError(ErrorCode.BadConfig, `${name}: the margin is ${margin}; give a share from 0 to 1.`);
  }
  const differences = champion.map((right, i) => Number(challenger[i]) - Number(right));
  const championOnly = differences.filter((d) => d === -1).length;
  const challengerOnly = differences.filter((d) => d === 1).length;
  const accuracy = (answers: readonly boolean[]) => (n === 0 ? 0 : answers.filter(Boolean).length / n);
  const difference = n === 0 ? 0 : (challengerOnly - championOnly) / n;
  const pairs = n === 0 ? null : pairsOf(differences, sources ?? differences.map((_, i) => String(i)));
  /** Each end of the interval errs as often. */
  const between = (error: number): [number, number] =>
    pairs === null ? [-1, 1] : pairedInterval(pairs, 1 - 2 * error);
  const [[lower], [, upper]] = [between(errors.pass), between(errors.fail)];
  const limits = { lower, upper, passError: errors.pass, failError: errors.fail };
  const verdict = n < minimumPairs ? 'inconclusive' : judge(limits, margin);
  const figures = {
    name,
    n,
    championAccuracy: accuracy(champion),
    challengerAccuracy: accuracy(challenger),
    difference,
    ci95: between(0.025),
    limits,
    championOnly,
    challengerOnly,
    pValue: mcnemarExact(championOnly, challengerOnly),
    margin,
    verdict,
  };
  return { ...figures, reason: explain(figures, minimumPairs) };
}

/** Verdict of several comparisons: `fail` if one fails, else `inconclusive` if one is or there is none, else `pass`. */
export function overallVerdict(comparisons: readonly PairedFigures[]): { verdict: Verdict; reason: string } {
  const of = (verdict: Verdict) => comparisons.filter((comparison) => comparison.verdict === verdict);
  const [failed, open] = [of('fail'), of('inconclusive')];
  const decisive = failed.length > 0 ? failed : open;
  if (comparisons.length === 0) return { verdict: 'inconclusive', reason: 'Nothing was compared.' };
  if (decisive.length === 0) {
    return { verdict: 'pass', reason: comparisons.map(({ reason }) => reason).join(' ') };
  }
  return {
    verdict: failed.length > 0 ? 'fail' : 'inconclusive',
    reason: decisive.map(({ reason }) => reason).join(' '),
  };
}
