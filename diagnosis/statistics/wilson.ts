/** Two-sided 95 % quantile of the standard normal distribution. */
const z = 1.959963984540054;

/**
 * Wilson's score interval, 95 %, of a share of `successes` in `n` independent trials.
 * It stays inside [0, 1] and is not empty at 0 or n successes. `n` = 0 tells nothing: [0, 1].
 */
export function wilson(successes: number, n: number): [number, number] {
  if (!Number.isInteger(n) || !Number.isInteger(successes) || successes < 0 || successes > n) {
    throw new RangeError(`no share: ${successes} of ${n}`);
  }
  if (n === 0) return [0, 1];
  const share = successes / n;
  const shrink = 1 + (z * z) / n;
  const centre = (share + (z * z) / (2 * n)) / shrink;
  const half = (z / shrink) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  // At the ends the formula gives 0 and 1 but for rounding.
  return [successes === 0 ? 0 : centre - half, successes === n ? 1 : centre + half];
}
