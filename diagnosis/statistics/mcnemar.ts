/** ln(k!) for k = 0..n. Sums of logarithms lose about n rounding errors: 1e-12 at n = 10,000. */
function logFactorials(n: number): Float64Array {
  const result = new Float64Array(n + 1);
  for (let k = 1; k <= n; k++) result[k] = result[k - 1]! + Math.log(k);
  return result;
}

/**
 * McNemar's exact test, two-sided: the probability, were both equally good, of a split of the discordant pairs
 * at least as uneven as `onlyA` : `onlyB`. It is the binomial test of `onlyA` in n = onlyA + onlyB at 1/2;
 * with no discordant pair it is 1. O(n) time and memory.
 */
export function mcnemarExact(onlyA: number, onlyB: number): number {
  if (!Number.isInteger(onlyA) || !Number.isInteger(onlyB) || onlyA < 0 || onlyB < 0) {
    throw new RangeError(`no counts of discordant pairs: ${onlyA}, ${onlyB}`);
  }
  const n = onlyA + onlyB;
  const smaller = Math.min(onlyA, onlyB);
  if (2 * smaller === n) return 1;
  const logFactorial = logFactorials(n);
  let tail = 0;
  for (let k = 0; k <= smaller; k++) {
    tail += Math.exp(logFactorial[n]! - logFactorial[k]! - logFactorial[n - k]! - n * Math.LN2);
  }
  return Math.min(1, 2 * tail);
}
