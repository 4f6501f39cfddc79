import { softmax } from '../answers.ts';
import type { OpenRows } from './rows.ts';

/** What a row's attack raises: the answer's cross-entropy, the lead of the strongest wrong option, or that of one option. */
export type Aim = 'cross-entropy' | 'margin' | { option: number };

export interface Climber {
  answer: number;
  aim: Aim;
  /** The change to begin with; not written to. */
  start: Float32Array;
  /** Logits near the start, up to a constant: they say which wrong options the first step looks at. */
  logits: readonly number[];
}

/** How much of a step goes on in the direction of the one before it. */
const KEPT = 0.25;
/** Of the steps since a check this share must have raised the loss, or steps become half as long. */
const RISING = 0.75;

/** Steps after which their length is looked at: often at first, then ever oftener. Croce and Hein 2020. */
export function checksOf(steps: number): Set<number> {
  const shares = [0, 0.22];
  while (shares.at(-1)! < 1) {
    const [before, last] = shares.slice(-2) as [number, number];
    shares.push(last + Math.max(last - before - 0.03, 0.06));
  }
  return new Set(shares.slice(1).map((share) => Math.ceil(share * steps - 1e-9)));
}

const wrongOf = (logits: readonly number[], answer: number) =>
  [...logits.keys()].filter((option) => option !== answer);

/** The loss of logits. */
function lossOf(logits: readonly number[], { aim, answer }: Climber): number {
  const right = logits[answer]!;
  if (typeof aim === 'object') return logits[aim.option]! - right;
  const wrong = wrongOf(logits, answer).map((option) => logits[option]!);
  const top = Math.max(...wrong);
  if (aim === 'margin') return top - right;
  return top - right + Math.log(wrong.reduce((sum, logit) => sum + Math.exp(logit - top), 0));
}

/**
 * Weights of the logits along which the loss rises. Of the cross-entropy the wrong options count by their chances among
 * themselves: its own gradient has the same direction, but vanishes where the model is sure.
 */
function directionOf(logits: readonly number[], { aim, answer }: Climber): number[] {
  const wrong = wrongOf(logits, answer);
  const top = Math.max(...wrong.map((option) => logits[option]!));
  const weights = logits.map((logit, option) => {
    if (option === answer) return 0;
    if (typeof aim === 'object') return option === aim.option ? 1 : 0;
    if (aim === 'margin') return logit === top ? 1 : 0;
    return Math.exp(logit - top);
  });
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight, option) => (option === answer ? -1 : weight / sum));
}

/** One row on its way up. */
class Climb {
  readonly row: Climber;
  change: Float32Array;
  done = false;
  logits: readonly number[];
  private before: Float32Array;
  private size: number;
  private best: {
    loss: number;
    change: Float32Array;
    slope: Float32Array;
    logits: readonly number[];
  } | null = null;
  private lastLoss = Number.NEGATIVE_INFINITY;
  private rises = 0;
  private lastCheck = 0;
  private atCheck = { loss: Number.NEGATIVE_INFINITY, halved: true };

  constructor(row: Climber, eps: number) {
    this.row = row;
    this.change = row.start;
    this.before = row.start;
    this.logits = row.logits;
    this.size = 2 * eps;
  }

  /** A step along `slope`, the loss's at the present change; `n` steps were taken, and `check` asks whether they are too long. */
  step(slope: Float32Array, eps: number, n: number, check: boolean): void {
    const loss = lossOf(this.logits, this.row);
    if (loss > this.lastLoss) this.rises++;
    this.lastLoss = loss;
    if (!this.best || loss > this.best.loss)
      this.best = { loss, change: this.change, slope, logits: this.logits };
    if (check && n > 0 && this.isTooLong(n)) {
      this.size /= 2;
      this.before = this.best.change;
      this.change = this.best.change;
      this.logits = this.best.logits;
      this.lastLoss = this.best.loss;
      this.move(this.best.slope, eps, n === 0);
    } else this.move(slope, eps, n === 0);
  }

  private isTooLong(n: number): boolean {
    const { halved, loss } = this.atCheck;
    const rarely = this.rises < RISING * (n - this.lastCheck);
    const stuck = !halved && this.best!.loss <= loss;
    this.atCheck = { loss: this.best!.loss, halved: rarely || stuck };
    this.lastCheck = n;
    this.rises = 0;
    return rarely || stuck;
  }

  private move(slope: Float32Array, eps: number, first: boolean): void {
    const { before, change, size } = this;
    const next = new Float32Array(change.length);
    for (let i = 0; i < next.length; i++) {
      const now = change[i]!;
      const stepped = Math.min(eps, Math.max(-eps, now + size * Math.sign(slope[i]!)));
      const moved = first ? stepped : now + (1 - KEPT) * (stepped - now) + KEPT * (now - before[i]!);
      next[i] = Math.min(eps, Math.max(-eps, moved));
    }
    this.before = change;
    this.change = next;
  }
}

/**
 * Raises each row's loss by `steps` steps along its gradient's sign, with momentum; a row's steps become shorter, and begin again
 * from its best change, where they no longer help. `seen` is told the chances under every change that was tried, and says
 * whether the row is done. Source: Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble of
 * diverse parameter-free attacks" (APGD).
 */
export async function climbRows(
  rows: OpenRows,
  climbers: readonly Climber[],
  { eps, steps }: { eps: number; steps: number },
  seen: (row: number, chances: number[], change: Float32Array) => boolean,
): Promise<void> {
  const climbs = climbers.map((row) => new Climb(row, eps));
  const changes = () => climbs.map(({ change }) => change);
  const checks = checksOf(steps);
  for (let n = 0; n < steps; n++) {
    const directions = climbs.map(({ logits, row }) => directionOf(logits, row));
    const { logits, slopes } = await rows.slopes(changes(), directions);
    for (const [i, climb] of climbs.entries()) {
      if (climb.done) continue;
      climb.logits = logits[i]!;
      climb.done = seen(i, softmax(logits[i]!), climb.change);
      if (!climb.done) climb.step(slopes[i]!, eps, n, checks.has(n));
    }
    if (climbs.every(({ done }) => done)) return;
  }
  for (const [i, chances] of (await rows.chances(changes())).entries())
    if (!climbs[i]!.done) seen(i, chances, climbs[i]!.change);
}
