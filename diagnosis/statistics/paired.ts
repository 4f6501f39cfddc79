import { effectiveNumber } from './effective.ts';
import { twoSided, upperTail } from './normal.ts';

/** Pairs of which some differ: the mean difference, the share that differs, and how many independent pairs they are worth. */
export interface Pairs {
  mean: number;
  discordant: number;
  effective: number;
}

/** @throws RangeError for differences other than 1, 0 and -1 */
export function pairsOf(differences: readonly number[], clusters: readonly string[]): Pairs {
  const n = differences.length;
  const of = (wanted: number) => differences.filter((difference) => difference === wanted).length;
  const [more, less] = [of(1), of(-1)];
  if (n === 0 || more + less + of(0) !== n) throw new RangeError('expected differences of 1, 0 or -1');
  return {
    mean: (more - less) / n,
    discordant: (more + less) / n,
    effective: effectiveNumber(differences, clusters),
  };
}

interface Score {
  z: number;
  /** By how much a quantile z has to move per z² - 1, because the differences lean to one side. */
  lean: number;
}

/**
 * Tango's score of the hypothesis that the true difference is `delta`: the share of pairs that differ the other way is estimated
 * under it. `lean` is the first term of Cornish and Fisher's expansion, a sixth of the skewness of the mean.
 */
function scoreAt({ discordant, effective, mean }: Pairs, delta: number): Score {
  const b = 2 * delta - discordant - mean * delta;
  const c = (-(discordant - mean) / 2) * delta * (1 - delta);
  const root = Math.sqrt(Math.max(0, b * b - 8 * c));
  const less = Math.max(0, -delta, (root - b) / 4);
  const differ = 2 * less + delta;
  const variance = Math.max(0, differ - delta ** 2);
  const third = delta - 3 * delta * differ + 2 * delta ** 3;
  if (variance === 0)
    return { z: mean === delta ? 0 : Math.sign(mean - delta) * Number.POSITIVE_INFINITY, lean: 0 };
  return {
    z: (mean - delta) / Math.sqrt(variance / effective),
    lean: third / (6 * variance ** 1.5 * Math.sqrt(effective)),
  };
}

/** The least difference that the score does not reject at the quantile `z`, or at what the skewness makes of it where that is more. */
function lowerBound(pairs: Pairs, z: number): number {
  const rejects = (delta: number) => {
    const score = scoreAt(pairs, delta);
    return score.z > z + Math.max(0, score.lean * (z * z - 1));
  };
  let [low, high] = [-1, pairs.mean];
  if (!rejects(low)) return low;
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2;
    if (rejects(middle)) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * Interval of the mean difference of pairs, 95 % unless said otherwise: Tango's score interval of as many independent pairs as these are
 * worth. Half of what it leaves out lies on either side, so each end by itself is a bound of half the error. A skewed difference, such as one
 * that is hardly ever negative, errs more often on one side; there the quantile is corrected, but never to a narrower interval. Where no
 * pair differs it is that of Wilson for 0. Sources: Tango 1998, "Equivalence test and confidence interval for the difference in proportions
 * for the paired-sample design"; Korn and Graubard 1998 for clusters; Hall 1992, "On the removal of skewness by transformation".
 */
export function pairedInterval(pairs: Pairs, confidence = 0.95): [number, number] {
  const z = twoSided(confidence);
  return [lowerBound(pairs, z), -lowerBound({ ...pairs, mean: -pairs.mean }, z)];
}

/** Two-sided p-value of no difference: McNemar's score test (without its correction), of as many independent pairs as these are worth. */
export function pairedPValue(pairs: Pairs): number {
  if (pairs.discordant === 0) return 1;
  return Math.min(1, 2 * upperTail(Math.abs(scoreAt(pairs, 0).z)));
}
