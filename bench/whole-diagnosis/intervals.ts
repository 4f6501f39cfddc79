export const channelName = 'session runs';

/** Begin and end, milliseconds. */
export type Interval = readonly [number, number];

export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Milliseconds between `from` and `to` in which at least one of the intervals is under way. */
export function covered(intervals: readonly Interval[], from: number, to: number): number {
  let [sum, reached] = [0, from];
  for (const [began, ended] of [...intervals].sort(([a], [b]) => a - b)) {
    const [start, end] = [Math.max(began, reached), Math.min(ended, to)];
    if (end <= start) continue;
    sum += end - start;
    reached = end;
  }
  return sum;
}
