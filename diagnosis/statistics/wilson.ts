import { effectiveNumber } from './effective.ts';
import { twoSided } from './normal.ts';

/**
 * Wilson's score interval, 95 % unless said otherwise, of a share of `successes` in `n` independent trials.
 * It stays inside [0, 1] and is not empty at 0 or n successes. `n` = 0 tells nothing: [0, 1].
 */
export function wilson(successes: number, n: number, confidence = 0.95): [number, number] {
  if (!Number.isInteger(n) || !Number.isInteger(successes) || successes < 0 || successes > n) {
    throw new RangeError(`no share: ${successes} of ${n}`);
  }
  if (n === 0) return [0, 1];
  return score(successes / n, n, confidence);
}

function score(share: number, n: number, confidence: number): [number, number] {
  const z = twoSided(confidence);
  const shrink = 1 + (z * z) / n;
  const centre = (share + (z * z) / (2 * n)) / shrink;
  const half = (z / shrink) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  // At the ends the formula gives 0 and 1 but for rounding.
  return [share === 0 ? 0 : centre - half, share === 1 ? 1 : centre + half];
}

/** How many independent trials say as much as these, of which those of one cluster (a source item) are not independent. */
export function effectiveTrials(right: readonly boolean[], clusters: readonly string[]): number {
  return effectiveNumber(right.map(Number), clusters);
}

/** Wilson's interval of a share that so many independent trials, not necessarily whole, would tell. */
export function wilsonOf(share: number, trials: number, confidence = 0.95): [number, number] {
  return trials === 0 ? [0, 1] : score(share, trials, confidence);
}

/** Wilson's interval where trials of one cluster are not independent: of `effectiveTrials`, in place of Clopper and Pearson's. */
export function clusteredWilson(
  right: readonly boolean[],
  clusters: readonly string[],
  confidence = 0.95,
): [number, number] {
  const share = right.filter(Boolean).length / Math.max(1, right.length);
  return wilsonOf(share, effectiveTrials(right, clusters), confidence);
}

interface ShareWithInterval {
  share: number;
  interval: readonly [number, number];
}

/**
 * Interval of the second share minus the first from those of the two. Taken of the same samples, which are as hard for both, it is wider
 * than it would have to be. Source: Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10.
 */
export function differenceInterval(first: ShareWithInterval, second: ShareWithInterval): [number, number] {
  const difference = second.share - first.share;
  const down = Math.hypot(second.share - second.interval[0], first.interval[1] - first.share);
  const up = Math.hypot(second.interval[1] - second.share, first.share - first.interval[0]);
  return [difference - down, difference + up];
}
