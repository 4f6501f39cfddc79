import type { Random } from '../../random/index.ts';
import type { Course } from './halves.ts';

/** What is kept of the direction at each step: batches disagree, and what they agree on adds up. */
const KEPT = 0.95;
/** Lengths of the box that a component could travel in all steps together, so that it can turn round. */
const TRAVEL = 12.5;

/** A change that all samples share, each component within [-eps, eps], on its way up the loss. */
export class Ascent {
  /** The change; it starts anywhere in the box. */
  readonly change: Float32Array;
  private readonly direction: Float32Array;
  private readonly eps: number;
  private readonly size: number;

  /** `steps` is how many there will be. */
  constructor(count: number, eps: number, steps: number, random: Random) {
    this.change = Float32Array.from({ length: count }, () => eps * (2 * random.uniform() - 1));
    this.direction = new Float32Array(count);
    this.eps = eps;
    this.size = (TRAVEL * eps) / steps;
  }

  /**
   * A step along the signs of the slopes that were seen so far, older ones counting less; a slope's size does not matter.
   * Source: Dong et al. 2018, "Boosting Adversarial Attacks with Momentum".
   */
  step(slope: Float32Array): void {
    const { change, direction, eps, size } = this;
    const norm = slope.reduce((sum, rise) => sum + Math.abs(rise), 0) || 1;
    for (const [i, rise] of slope.entries()) {
      direction[i] = KEPT * direction[i]! + rise / norm;
      change[i] = Math.min(eps, Math.max(-eps, change[i]! + size * Math.sign(direction[i]!)));
    }
  }
}

/** Takes the change up the loss, `rounds` times through all batches; `slopeOf`: the loss's gradient by the change. */
export async function climb<Batch>(
  ascent: Ascent,
  batches: readonly Batch[],
  rounds: number,
  course: Course,
  slopeOf: (batch: Batch) => Promise<Float32Array>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const batch of batches) {
      course.check();
      ascent.step(await slopeOf(batch));
    }
    course.count();
  }
}

/** A random change with every component at its bound: as large as one that was sought can be. */
export function randomSigns(count: number, eps: number, random: Random): Float32Array {
  return Float32Array.from({ length: count }, () => (random.uniform() < 0.5 ? -eps : eps));
}
