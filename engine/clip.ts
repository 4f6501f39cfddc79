import type { Tensor } from './onnx/tensor.ts';
import { sumOfSquares } from './simd.ts';

/** The Euclidean norm over all gradients together, summed in double precision. */
export function gradientNorm(gradients: Record<string, Tensor>): number {
  let sum = 0;
  for (const { data } of Object.values(gradients)) sum += sumOfSquares(data as Float32Array);
  return Math.sqrt(sum);
}

/** The factor that brings gradients of this norm to at most `maxNorm`; 1 for a norm that is not finite. */
export function clipScale(norm: number, maxNorm: number): number {
  return norm > maxNorm && Number.isFinite(norm) ? maxNorm / norm : 1;
}
