/** ln of the gamma function for x > 0, to about 15 digits: shifted upwards, then Stirling's series. */
function logGamma(x: number): number {
  let shift = 0;
  let at = x;
  for (; at < 10; at++) shift += Math.log(at);
  const square = 1 / (at * at);
  const series = (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680))) / at;
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** The regularised incomplete beta function by its continued fraction (DLMF 8.17.22), evaluated from the far end. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  let fraction = 1;
  for (let m = 200; m >= 1; m--) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    fraction = 1 + even / (1 + odd / fraction);
  }
  const first = (-(a + b) * x) / (a + 1);
  const front = a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b);
  return Math.exp(front) / (a * (1 + first / fraction));
}

/** Probability that Student's t with `df` degrees of freedom exceeds `t`. */
export function studentTail(t: number, df: number): number {
  if (t < 0) return 1 - studentTail(-t, df);
  return incompleteBeta(df / (df + t * t), df / 2, 0.5) / 2;
}

/** The two-sided quantile of Student's t: half of what the confidence leaves out lies on either side. `df` may be a fraction. */
export function studentTwoSided(confidence: number, df: number): number {
  if (!(df > 0)) throw new RangeError(`no degrees of freedom: ${df}`);
  const wanted = (1 - confidence) / 2;
  let [low, high] = [0, 2];
  while (studentTail(high, df) > wanted) high *= 2;
  for (let i = 0; i < 100 && high - low > 1e-12 * high; i++) {
    const centre = (low + high) / 2;
    if (studentTail(centre, df) > wanted) low = centre;
    else high = centre;
  }
  return (low + high) / 2;
}
