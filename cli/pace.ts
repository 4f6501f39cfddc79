import type { StatusView } from '../worker/index.ts';

type Activity = StatusView['activities'][number];
type Stage = StatusView['stages'][number];

interface Seen {
  at: number;
  done: number;
}

/** A rate is told once it was looked at for so long, from so far back. */
const leastMs = 2_000;
const windowMs = 60_000;
/** Of a stage's work, before a time is foretold from it. */
const leastShare = 0.05;

/** How fast steps go, from what was seen of them. */
export class Pace {
  private readonly seen = new Map<string, Seen[]>();
  private now = Date.now();

  /** Takes note of what runs. */
  note({ activities }: StatusView): void {
    this.now = Date.now();
    const running = new Map(activities.map((one) => [keyOf(one), one]));
    for (const key of this.seen.keys()) if (!running.has(key)) this.seen.delete(key);
    for (const [key, { done }] of running) {
      const before = this.seen.get(key) ?? [];
      // An attempt that began anew counts from there.
      const kept = before.filter((one) => one.done <= done && this.now - one.at <= windowMs);
      this.seen.set(key, [...kept, { at: this.now, done }]);
    }
  }

  /** Done a second, and seconds that are left; null: not known yet. */
  of(activity: Activity): { rate: number; left: number } | null {
    const points = this.seen.get(keyOf(activity)) ?? [];
    const first = points[0];
    const last = points.at(-1);
    if (!first || !last || last.at - first.at < leastMs || last.done <= first.done) return null;
    const rate = (1000 * (last.done - first.done)) / (last.at - first.at);
    return { rate, left: Math.max(0, activity.total - activity.done) / rate };
  }

  /** Seconds that a stage will take yet, if its steps are alike; null: not known yet. */
  leftOf({ startedAt, steps: { done, total } }: Stage, activities: readonly Activity[]): number | null {
    if (startedAt === null || total === 0) return null;
    const under = activities.reduce(
      (sum, one) => sum + (one.total > 0 ? Math.min(1, one.done / one.total) : 0),
      0,
    );
    const share = Math.min(1, (done + under) / total);
    const elapsed = (this.now - new Date(startedAt).getTime()) / 1000;
    if (share < leastShare || share >= 1 || elapsed * 1000 < leastMs) return null;
    return (elapsed * (1 - share)) / share;
  }
}

const keyOf = ({ attempt, label, step }: Activity) => `${step} ${label} ${attempt}`;
