import { pictureProblem } from '../../pictures/index.ts';
import { isPointer, pointerAdvice } from '../pointer.ts';

/** What is wrong with an encoded image, or with what lies in its place; undefined: nothing. */
export function imageProblem(bytes: Uint8Array): string | undefined {
  return isPointer(bytes) ? `it ${pointerAdvice}` : pictureProblem(bytes);
}
