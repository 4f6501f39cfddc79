function checkLengths(p: readonly number[], q: readonly number[]): void {
  if (p.length !== q.length || p.length === 0) {
    throw new RangeError(`distributions over ${p.length} and ${q.length} options cannot be compared`);
  }
}

function relativeEntropy(p: number, q: number): number {
  return p === 0 ? 0 : p * Math.log(p / q);
}

/** `p` with no entry under `floor`, scaled to sum 1. */
function floored(p: readonly number[], floor: number): number[] {
  const raised = p.map((x) => Math.max(x, floor));
  const sum = raised.reduce((a, b) => a + b, 0);
  return raised.map((x) => x / sum);
}

/**
 * Kullback-Leibler divergence KL(p || q) in nats. Infinite where q excludes what p allows, unless a `floor` > 0
 * keeps both away from 0.
 */
export function klDivergence(p: readonly number[], q: readonly number[], floor = 0): number {
  checkLengths(p, q);
  const [a, b] = floor > 0 ? [floored(p, floor), floored(q, floor)] : [p, q];
  const sum = a.reduce((total, x, i) => total + relativeEntropy(x, b[i]!), 0);
  return Math.max(0, sum);
}

/** Jensen-Shannon divergence in nats, between 0 and ln 2, symmetric. */
export function jsDivergence(p: readonly number[], q: readonly number[]): number {
  checkLengths(p, q);
  const middle = p.map((x, i) => (x + q[i]!) / 2);
  const sum = middle.reduce(
    (total, m, i) => total + (relativeEntropy(p[i]!, m) + relativeEntropy(q[i]!, m)) / 2,
    0,
  );
  return Math.max(0, sum);
}
