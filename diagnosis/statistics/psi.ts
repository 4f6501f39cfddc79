import { quantile } from './bootstrap.ts';

export interface Psi {
  /** Population stability index, 0 for equal shares in every bin. */
  value: number;
  bins: number;
  /** What two samples of these sizes from one and the same population would give on average, to first order. */
  byChance: number;
}

/** Half a count is added to each bin: an empty bin then counts strongly, but not infinitely. */
const pseudoCount = 0.5;

/** PSI from counts per bin: sum over bins of (actual share - expected share) * ln(actual share / expected share). */
export function psiOfCounts(expected: readonly number[], actual: readonly number[]): Psi {
  if (expected.length !== actual.length) throw new RangeError('expected and actual need the same bins');
  const bins = expected.length;
  const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
  const [n, m] = [sum(expected), sum(actual)];
  if (n === 0 || m === 0) throw new RangeError('PSI needs at least one value on each side');
  const share = (count: number, total: number) => (count + pseudoCount) / (total + pseudoCount * bins);
  const value = expected.reduce((total, count, i) => {
    const [e, a] = [share(count, n), share(actual[i]!, m)];
    return total + (a - e) * Math.log(a / e);
  }, 0);
  return { value, bins, byChance: (bins - 1) * (1 / n + 1 / m) };
}

interface Bins {
  smallest: number;
  /** Upper ends, each belonging to the bin below it. */
  edges: number[];
}

function decileBins(values: readonly number[]): Bins {
  const sorted = Float64Array.from(values).sort();
  const deciles = Array.from({ length: 11 }, (_, k) => quantile(sorted, k / 10));
  // A tenth of the values or more at the smallest one: it gets a bin of its own.
  const first = deciles[0] === deciles[1] ? 0 : 1;
  return { smallest: deciles[0]!, edges: [...new Set(deciles.slice(first))] };
}

function countBins(values: readonly number[], { smallest, edges }: Bins): number[] {
  const counts = new Array<number>(edges.length + 2).fill(0);
  for (const value of values) {
    const bin = value < smallest ? 0 : 1 + edges.filter((edge) => edge < value).length;
    counts[bin] = counts[bin]! + 1;
  }
  return counts;
}

/**
 * PSI of a number. Bins: the deciles of `expected`, equal ones merged, and one bin each below its smallest and above
 * its largest value, so that a range never seen before is noticed.
 */
export function psi(expected: readonly number[], actual: readonly number[]): Psi {
  if (expected.length === 0 || actual.length === 0) {
    throw new RangeError('PSI needs at least one value on each side');
  }
  const bins = decileBins(expected);
  return psiOfCounts(countBins(expected, bins), countBins(actual, bins));
}

/** PSI of a category; every name that occurs on either side is a bin. */
export function psiOfCategories(expected: readonly string[], actual: readonly string[]): Psi {
  const names = [...new Set([...expected, ...actual])].sort();
  const count = (values: readonly string[]) => names.map((name) => values.filter((v) => v === name).length);
  return psiOfCounts(count(expected), count(actual));
}
