export interface CosineOptions {
  /** The highest learning rate. */
  base: number;
  /** Steps of linear warm-up. */
  warmup: number;
  /** Steps in all. */
  total: number;
  /** Share of `base` that remains at the end; 0 by default. */
  floor?: number;
}

/** The learning rate of a step, counted from 0: linear warm-up to `base`, then half a cosine down to the floor. */
export function cosineSchedule({ base, warmup, total, floor = 0 }: CosineOptions): (step: number) => number {
  return (step) => {
    if (step < warmup) return (base * (step + 1)) / warmup;
    const done = Math.min(1, (step - warmup) / Math.max(1, total - warmup));
    return base * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * done)));
  };
}
