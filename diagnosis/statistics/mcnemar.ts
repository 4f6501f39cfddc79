import { logFactorials } from './factorials.ts';

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
