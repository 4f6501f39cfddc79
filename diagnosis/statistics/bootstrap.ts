import { Random } from '../../random/index.ts';
import { clusterTotals, resampler } from './resample.ts';

export interface BootstrapOptions {
  seed: number;
  /** Default 4,000: the ends of the interval then vary by about 1 % of its width between seeds. */
  resamples?: number;
  /** Share of the means that the interval holds. Default .95. */
  confidence?: number;
  /** What is resampled: intervals of one seed with other names are independent. */
  stream?: string;
  /** One name a value; values of one name are drawn together, because they are not independent. */
  clusters?: readonly string[];
}

/** The `q` quantile of sorted numbers, linear between neighbours (NumPy's default, R's type 7). */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (position - below) * (high - low);
}

/**
 * Percentile bootstrap interval, 95 % unless said otherwise, of the mean of `values`. Paired data: pass the differences of the pairs.
 * Clusters are drawn whole, as many as there are, and the mean is that of the values drawn.
 * The same values in the same order with the same seed give the same interval.
 */
export function bootstrapInterval(values: readonly number[], options: BootstrapOptions): [number, number] {
  if (values.length === 0) throw new RangeError('no values to resample');
  const totals = clusterTotals(values, options.clusters);
  // Where nothing changed, as under most mild perturbations, there is nothing to draw.
  if (totals.every(({ sum }) => sum === 0)) return [0, 0];
  const random = new Random(
    options.seed,
    'bootstrap',
    values.length,
    ...(options.stream ? [options.stream] : []),
  );
  const draw = resampler(totals);
  const means = Float64Array.from({ length: options.resamples ?? 4000 }, () => {
    const { count, sum } = draw(random);
    return sum / count;
  });
  return middle(means, options.confidence);
}

/** The middle of the values drawn, from one quantile to the other; sorts them. */
export function middle(drawn: Float64Array, confidence = 0.95): [number, number] {
  drawn.sort();
  return [quantile(drawn, (1 - confidence) / 2), quantile(drawn, (1 + confidence) / 2)];
}

/**
 * Percentile bootstrap interval of a statistic that is no mean: whole groups are drawn, as many as there are, and the
 * statistic is taken of the items in them.
 */
export function bootstrapStatistic<T>(
  groups: readonly (readonly T[])[],
  statistic: (drawn: readonly T[]) => number,
  options: Omit<BootstrapOptions, 'clusters'>,
): [number, number] {
  if (groups.length === 0) throw new RangeError('no values to resample');
  const random = new Random(options.seed, 'bootstrap', groups.length, options.stream ?? '');
  const values = Float64Array.from({ length: options.resamples ?? 4000 }, () => {
    const drawn: T[] = [];
    for (let i = 0; i < groups.length; i++) drawn.push(...random.pick(groups));
    return statistic(drawn);
  });
  return middle(values, options.confidence);
}
