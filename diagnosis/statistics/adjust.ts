function checkPValues(p: readonly number[]): void {
  const bad = p.find((value) => !(value >= 0 && value <= 1));
  if (bad !== undefined) throw new RangeError(`no p-value: ${bad}`);
}

/** Places of the p-values, smallest first; equal ones keep their order. */
const ranked = (p: readonly number[]) => p.map((_, i) => i).sort((a, b) => p[a]! - p[b]! || a - b);

/**
 * Holm's adjusted p-values, in the order given: controls the probability of even one false finding, whatever the
 * tests' dependence. Source: Holm 1979.
 */
export function holm(p: readonly number[]): number[] {
  checkPValues(p);
  const adjusted = new Array<number>(p.length);
  let highest = 0;
  for (const [rank, i] of ranked(p).entries()) {
    highest = Math.max(highest, Math.min(1, (p.length - rank) * p[i]!));
    adjusted[i] = highest;
  }
  return adjusted;
}

/**
 * Benjamini and Hochberg's adjusted p-values, in the order given: controls the expected share of false findings among
 * the findings, for independent or positively dependent tests. Source: Benjamini and Hochberg 1995.
 */
export function benjaminiHochberg(p: readonly number[]): number[] {
  checkPValues(p);
  const adjusted = new Array<number>(p.length);
  let lowest = 1;
  for (const [rank, i] of [...ranked(p).entries()].reverse()) {
    lowest = Math.min(lowest, (p.length / (rank + 1)) * p[i]!);
    adjusted[i] = lowest;
  }
  return adjusted;
}
