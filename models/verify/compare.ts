import type { Tensor } from '../../engine/index.ts';
import { numbersOf } from './numbers.ts';

export interface Difference {
  /** Largest absolute difference of an element. */
  maxAbs: number;
  /** The same over the largest magnitude of the expected tensor. */
  maxRel: number;
}

/**
 * The largest difference between two tensors of as many elements, in row-major order, over the largest magnitude of the
 * expected one. `zero`: where that magnitude is below `below`, compare with `scale` instead.
 */
export function differenceOf(
  found: Tensor,
  expected: Tensor,
  zero?: { below: number; scale: number },
): Difference {
  const [a, b] = [numbersOf(found), numbersOf(expected)];
  if (a.length !== b.length) return { maxAbs: Number.MAX_VALUE, maxRel: Number.MAX_VALUE };
  let worst = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    // Infinite and undefined numbers are as far off as can be, and stay numbers in JSON.
    worst = Math.max(worst, Number.isFinite(difference) ? difference : Number.MAX_VALUE);
    largest = Math.max(largest, Math.abs(b[i] as number));
  }
  if (worst === 0) return { maxAbs: 0, maxRel: 0 };
  const scale = zero && largest < zero.below ? zero.scale : largest;
  return { maxAbs: worst, maxRel: Math.min(worst / scale, Number.MAX_VALUE) };
}

export function largestOf(tensor: Tensor): number {
  return numbersOf(tensor).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}
