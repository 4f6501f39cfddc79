/**
 * How many independent values say as much of the mean as these, of which those of one cluster (a source item) are not independent:
 * their number over the design effect, the ratio of the cluster-robust variance to that of independent values, never below 1. 0 for
 * none. Source: Korn and Graubard 1998.
 */
export function effectiveNumber(values: readonly number[], clusters: readonly string[]): number {
  const n = values.length;
  if (clusters.length !== n) throw new RangeError(`${n} values but ${clusters.length} cluster names`);
  if (n === 0) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const residuals = new Map<string, number>();
  let variance = 0;
  values.forEach((value, i) => {
    const name = clusters[i]!;
    residuals.set(name, (residuals.get(name) ?? 0) + value - mean);
    variance += (value - mean) ** 2 / n;
  });
  const count = residuals.size;
  const squares = [...residuals.values()].reduce((sum, residual) => sum + residual ** 2, 0);
  // Values that are all equal tell nothing about how alike a cluster's are: then a cluster counts once.
  if (count === 1 || squares === 0 || variance === 0) return count;
  const robust = (squares * count) / (count - 1);
  const independent = (n * variance * n) / (n - 1);
  return n / Math.max(1, robust / independent);
}
