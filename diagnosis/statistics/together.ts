import { Random } from '../../random/index.ts';
import { normalQuantile } from './normal.ts';

/** What each cluster adds to an estimate's error, by cluster: estimates that share clusters go wrong together. */
export type Deviations = ReadonlyMap<string, number>;

/** Deviations of a mean: a cluster's values less as many times the mean. */
export function deviationsOf(values: readonly number[], clusters: readonly string[]): Deviations {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const deviations = new Map<string, number>();
  values.forEach((value, i) => {
    deviations.set(clusters[i]!, (deviations.get(clusters[i]!) ?? 0) + value - mean);
  });
  return deviations;
}

function correlation(a: Deviations, b: Deviations): number {
  let [both, ofA, ofB] = [0, 0, 0];
  for (const [cluster, value] of a) {
    both += value * (b.get(cluster) ?? 0);
    ofA += value ** 2;
  }
  for (const value of b.values()) ofB += value ** 2;
  return ofA === 0 || ofB === 0 ? 0 : both / Math.sqrt(ofA * ofB);
}

/** Lower triangle L with L Lᵀ = the correlations; an estimate that follows from those before it adds nothing of its own. */
function choleskyOf(estimates: readonly Deviations[]): number[][] {
  const rows: number[][] = [];
  for (const [i, own] of estimates.entries()) {
    const row: number[] = [];
    for (const [j, other] of rows.entries()) {
      const shared = row.reduce((sum, value, k) => sum + value * other[k]!, 0);
      const pivot = other[j]!;
      row.push(pivot > 1e-6 ? (correlation(own, estimates[j]!) - shared) / pivot : 0);
    }
    row.push(Math.sqrt(Math.max(0, 1 - row.reduce((sum, value) => sum + value ** 2, 0))));
    rows[i] = row;
  }
  return rows;
}

const draws = 20_000;

/**
 * The quantile that the largest of several standardised estimates stays below with probability `confidence`, where they share clusters as
 * these do: draws of normal numbers so correlated. Never above Bonferroni's, which knows nothing of what they share, and that for one
 * estimate. Source: Hothorn, Bretz and Westfall 2008, "Simultaneous inference in general parametric models".
 */
export function togetherQuantile(estimates: readonly Deviations[], confidence: number, seed: number): number {
  const most = normalQuantile(1 - (1 - confidence) / Math.max(1, estimates.length));
  if (estimates.length < 2) return most;
  const rows = choleskyOf(estimates);
  const random = new Random(seed, 'together', estimates.length);
  const normal = new Float64Array(rows.length);
  const largest = new Float64Array(draws).map(() => {
    let highest = Number.NEGATIVE_INFINITY;
    for (const [i, row] of rows.entries()) {
      normal[i] = random.normal();
      let sum = 0;
      for (let k = 0; k <= i; k++) sum += row[k]! * normal[k]!;
      highest = Math.max(highest, sum);
    }
    return highest;
  });
  largest.sort();
  return Math.min(most, largest[Math.min(draws - 1, Math.ceil(confidence * draws))]!);
}
