/** ln(k!) for k = 0 to n. Sums of logarithms lose about n rounding errors: 1e-12 at n = 10,000. */
export function logFactorials(n: number): Float64Array {
  const logs = new Float64Array(n + 1);
  for (let k = 1; k <= n; k++) logs[k] = logs[k - 1]! + Math.log(k);
  return logs;
}
