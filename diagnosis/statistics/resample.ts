import type { Random } from '../../random/index.ts';
import { logFactorials } from './factorials.ts';

/** A cluster's values: what they add up to, and how many they are. */
export interface Total {
  sum: number;
  count: number;
}

/** Totals by cluster, in order of first appearance; without names each value is a cluster. */
export function clusterTotals(values: readonly number[], clusters: readonly string[] | undefined): Total[] {
  if (clusters === undefined) return values.map((sum) => ({ sum, count: 1 }));
  if (clusters.length !== values.length) {
    throw new RangeError(`${values.length} values but ${clusters.length} cluster names`);
  }
  const totals = new Map<string, Total>();
  values.forEach((value, i) => {
    const name = clusters[i]!;
    const { count, sum } = totals.get(name) ?? { sum: 0, count: 0 };
    totals.set(name, { sum: sum + value, count: count + 1 });
  });
  return [...totals.values()];
}

/**
 * A number of successes in `n` trials of chance `p`, by inversion from the mode outwards: about as many steps as its standard
 * deviation. `logs`: ln(k!) up to n at least. Source: Kemp 1986, "A modal method for generating binomial variables".
 */
export function drawBinomial(random: Random, n: number, p: number, logs: Float64Array): number {
  if (n === 0 || p <= 0) return 0;
  if (p >= 1) return n;
  const odds = p / (1 - p);
  const mode = Math.min(n, Math.floor((n + 1) * p));
  const atMode = Math.exp(
    logs[n]! - logs[mode]! - logs[n - mode]! + mode * Math.log(p) + (n - mode) * Math.log1p(-p),
  );
  let left = random.uniform() - atMode;
  let [below, above, chanceBelow, chanceAbove] = [mode, mode, atMode, atMode];
  while (left >= 0) {
    if (above < n) {
      chanceAbove *= ((n - above) / (above + 1)) * odds;
      above++;
      left -= chanceAbove;
      if (left < 0) return above;
    }
    if (below > 0) {
      chanceBelow *= below / ((n - below + 1) * odds);
      below--;
      left -= chanceBelow;
      if (left < 0) return below;
    }
    // All chances together are 1 but for rounding.
    if ((above === n || chanceAbove === 0) && (below === 0 || chanceBelow === 0)) return mode;
  }
  return mode;
}

/** A binomial number costs about as much as so many clusters drawn one by one. */
const costOfBinomial = 8;

/**
 * Draws clusters with replacement, as many as there are, and tells their total. How often each is drawn is multinomial: clusters with
 * the same total, which under most perturbations are nearly all, are drawn by their number alone.
 */
export function resampler(clusters: readonly Total[]): (random: Random) => Total {
  const groups = new Map<string, Total & { size: number }>();
  for (const { count, sum } of clusters) {
    const key = `${sum} ${count}`;
    const group = groups.get(key);
    if (group) group.size++;
    else groups.set(key, { sum, count, size: 1 });
  }
  if (groups.size * costOfBinomial > clusters.length) return (random) => drawOneByOne(clusters, random);
  // The largest comes last and takes what is left, without a draw of its own.
  const kinds = [...groups.values()].sort((a, b) => a.size - b.size);
  const logs = logFactorials(clusters.length);
  return (random) => {
    let [sum, count, toDraw, others] = [0, 0, clusters.length, clusters.length];
    for (const kind of kinds) {
      const drawn = drawBinomial(random, toDraw, kind.size / others, logs);
      sum += drawn * kind.sum;
      count += drawn * kind.count;
      toDraw -= drawn;
      others -= kind.size;
    }
    return { sum, count };
  };
}

function drawOneByOne(clusters: readonly Total[], random: Random): Total {
  let [sum, count] = [0, 0];
  for (let i = 0; i < clusters.length; i++) {
    const cluster = random.pick(clusters);
    sum += cluster.sum;
    count += cluster.count;
  }
  return { sum, count };
}
