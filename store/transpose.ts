/**
 * Brings tensors that are stored one after the other, each row-major in `shape`, into the order whose dimension i is
 * the stored dimension `permutation[i]`, row-major again.
 */
export function transpose(
  data: Float32Array,
  shape: readonly number[],
  permutation: readonly number[],
): { shape: number[]; data: Float32Array } {
  const logical = permutation.map((dimension) => shape[dimension] as number);
  if (permutation.every((dimension, i) => dimension === i)) return { shape: logical, data };
  const stored = strides(shape);
  const steps = permutation.map((dimension) => stored[dimension] as number);
  const size = shape.reduce((product, n) => product * n, 1);
  const result = new Float32Array(data.length);
  const index = new Array<number>(logical.length).fill(0);
  for (let base = 0; base < data.length; base += size) {
    for (let i = 0, from = 0; i < size; i++) {
      result[base + i] = data[base + from] as number;
      // Counts up in the logical shape, last dimension fastest.
      for (let d = logical.length - 1; d >= 0; d--) {
        const step = steps[d] as number;
        from += step;
        index[d] = (index[d] as number) + 1;
        if ((index[d] as number) < (logical[d] as number)) break;
        from -= step * (logical[d] as number);
        index[d] = 0;
      }
    }
  }
  return { shape: logical, data: result };
}

function strides(shape: readonly number[]): number[] {
  const result = new Array<number>(shape.length).fill(1);
  for (let d = shape.length - 2; d >= 0; d--)
    result[d] = (result[d + 1] as number) * (shape[d + 1] as number);
  return result;
}
