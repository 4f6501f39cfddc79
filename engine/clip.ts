import type { Tensor } from './onnx/tensor.ts';

/** The Euclidean norm over all gradients together, summed in double precision. */
export function gradientNorm(gradients: Record<string, Tensor>): number {
  let sum = 0;
  for (const { data } of Object.values(gradients)) {
    const values = data as Float32Array;
    for (let i = 0; i < values.length; i++) sum += (values[i] as number) * (values[i] as number);
  }
  return Math.sqrt(sum);
}

/** Scales the gradients in place to at most `maxNorm`; returns the norm before. A non-finite norm changes nothing. */
export function clipGradients(gradients: Record<string, Tensor>, maxNorm: number): number {
  const norm = gradientNorm(gradients);
  if (!(norm > maxNorm) || !Number.isFinite(norm)) return norm;
  const scale = maxNorm / norm;
  for (const { data } of Object.values(gradients)) {
    const values = data as Float32Array;
    for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * scale;
  }
  return norm;
}
