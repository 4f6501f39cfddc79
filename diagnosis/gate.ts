import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { PairedFigures, Verdict } from '../schemas/report.ts';
import { bootstrapInterval } from './statistics/bootstrap.ts';
import { mcnemarExact } from './statistics/mcnemar.ts';

export interface PairedInput {
  /** What was compared, as it stands in the report, e.g. "VQA accuracy". */
  name: string;
  /** Right or wrong, request by request; both arrays in the same order. */
  champion: readonly boolean[];
  challenger: readonly boolean[];
  /** Largest fall of accuracy that is still accepted, a share: 0 = none, 0.04 = four points. */
  margin: number;
  seed: number;
  /** Source item of each request: requests of one source are resampled together. */
  sources?: readonly string[];
  /** With fewer pairs the verdict is always `inconclusive`. Default 30. */
  minimumPairs?: number;
}

/** McNemar's p under this counts as significant. */
const significance = 0.05;

const points = (share: number) => Math.abs(share * 100).toFixed(1);
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

interface Judged {
  difference: number;
  ci95: readonly [number, number];
  pValue: number;
  margin: number;
}

/**
 * `pass`: the whole interval lies at or above -margin. `fail`: the whole interval lies below it, or the difference
 * itself does and McNemar's test calls the challenger worse. Else the data do not decide.
 */
export function judge({ difference, ci95, pValue, margin }: Judged): Verdict {
  if (ci95[0] >= -margin) return 'pass';
  if (ci95[1] < -margin) return 'fail';
  return difference < -margin && pValue < significance ? 'fail' : 'inconclusive';
}

function explain(figures: Omit<PairedFigures, 'reason'>, minimumPairs: number): string {
  const { name, n, championAccuracy, challengerAccuracy, difference, ci95, margin, verdict } = figures;
  if (n < minimumPairs) {
    return `${name}: only ${n} comparable requests, at least ${minimumPairs} are needed to decide.`;
  }
  const allowed = margin === 0 ? 'no fall is accepted' : `a fall of ${points(margin)} points is accepted`;
  const worst =
    ci95[0] < 0 ? `at worst a fall of ${points(ci95[0])}` : `at least a gain of ${points(ci95[0])}`;
  const best = ci95[1] < 0 ? `at best a fall of ${points(ci95[1])}` : `at best a gain of ${points(ci95[1])}`;
  const direction = difference < 0 ? 'fell' : 'rose';
  const moved =
    championAccuracy === challengerAccuracy
      ? `stayed at ${percent(challengerAccuracy)}`
      : `${direction} from ${percent(championAccuracy)} to ${percent(challengerAccuracy)}`;
  const measured = `${name} ${moved} on ${n} requests`;
  switch (verdict) {
    case 'pass':
      return `${measured}: ${worst} points with 95 % confidence, and ${allowed}.`;
    case 'fail':
      return `${measured}: ${best} points with 95 % confidence, but only ${allowed}.`;
    case 'inconclusive':
      return `${measured}: between ${worst} and ${best} points with 95 % confidence, while ${allowed}; more requests or a person must decide.`;
  }
}

/**
 * Compares challenger and champion on the same requests: the difference of their accuracies, its bootstrap interval,
 * McNemar's exact test, and the verdict that follows from `margin`.
 * @throws GuardError BadInput if the arrays do not match, BadConfig for a margin outside [0, 1].
 */
export function pairedComparison(input: PairedInput): PairedFigures {
  const { name, champion, challenger, margin, seed, sources, minimumPairs = 30 } = input;
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
  const clusters = sources === undefined ? {} : { clusters: sources };
  const ci95: [number, number] = n === 0 ? [-1, 1] : bootstrapInterval(differences, { seed, ...clusters });
  const pValue = mcnemarExact(championOnly, challengerOnly);
  const verdict = n < minimumPairs ? 'inconclusive' : judge({ difference, ci95, pValue, margin });
  const figures = {
    name,
    n,
    championAccuracy: accuracy(champion),
    challengerAccuracy: accuracy(challenger),
    difference,
    ci95,
    championOnly,
    challengerOnly,
    pValue,
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
