/** Ticks at round numbers from 0 to at least `max`, about `count` of them. */
export function niceTicks(max: number, count: number): number[] {
  if (!(max > 0)) return [0, 1];
  const rough = max / count;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * magnitude).find((s) => s >= rough) as number;
  const ticks = Array.from({ length: Math.ceil(max / step - 1e-9) + 1 }, (_, i) => i * step);
  return ticks.map((tick) => Number(tick.toPrecision(12)));
}

/** Maps [from, to] linearly to percent of a chart's width or height, `a` to `b`. */
export function linear(from: number, to: number, a: number, b: number): (value: number) => number {
  return (value) => (to === from ? (a + b) / 2 : a + ((value - from) / (to - from)) * (b - a));
}

/** A coordinate for an SVG attribute, with two decimals so that equal reports have equal bytes. */
export const coordinate = (value: number) => String(Number(value.toFixed(2)));
/** A coordinate in percent. */
export const share = (value: number) => `${coordinate(value)}%`;
