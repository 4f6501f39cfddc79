import type { Tensor } from '../engine/index.ts';

const bits = new Float32Array(1);
const word = new Uint32Array(bits.buffer);

/** IEEE half precision, as bits; rounds to nearest, ties to even. */
function toHalf(values: ArrayLike<number>): Uint16Array {
  const result = new Uint16Array(values.length);
  for (let i = 0; i < result.length; i++) {
    bits[0] = values[i] as number;
    const x = word[0] as number;
    const sign = (x >>> 16) & 0x8000;
    const magnitude = x & 0x7fffffff;
    result[i] = sign | halfMagnitude(magnitude);
  }
  return result;
}

function halfMagnitude(x: number): number {
  if (x >= 0x7f800000) return x > 0x7f800000 ? 0x7e00 : 0x7c00;
  if (x >= 0x477ff000) return 0x7c00;
  if (x < 0x38800000) {
    // Below the smallest normal half: steps of 2^-24.
    bits[0] = 0;
    word[0] = x;
    return roundEven((bits[0] as number) * 2 ** 24);
  }
  const lowest = x & 0x1fff;
  const half = (x - 0x38000000) >>> 13;
  return lowest > 0x1000 || (lowest === 0x1000 && half & 1) ? half + 1 : half;
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** Numbers from the bits of halves. */
function fromHalf(halves: ArrayLike<number>): Float32Array {
  const result = new Float32Array(halves.length);
  for (let i = 0; i < result.length; i++) {
    const x = halves[i] as number;
    const exponent = (x >> 10) & 31;
    const fraction = x & 1023;
    const sign = x & 0x8000 ? -1 : 1;
    if (exponent === 0) result[i] = sign * fraction * 2 ** -24;
    else if (exponent === 31) result[i] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else result[i] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return result;
}

/** The tensor in the float type that a graph takes; other types stay. */
export function withType(tensor: Tensor, dtype: Tensor['dtype']): Tensor {
  if (tensor.dtype === dtype || dtype !== 'float16') return tensor;
  return { dtype, dims: tensor.dims, data: toHalf(tensor.data as Float32Array) };
}

/** Numbers of a float tensor of either type. */
export function numbersOf({ data, dtype }: Tensor): Float32Array {
  return dtype === 'float16' ? fromHalf(data as Uint16Array) : (data as Float32Array);
}
