import type { Tensor } from './tensor.ts';

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The value of an IEEE half given by its bits. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Bits of the nearest IEEE half, ties to even; what is too large becomes infinite. */
export function toHalf(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  // Below 2^-14 the steps are 2^-24, above them 2^(exponent - 10).
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const steps = roundEven(size * 2 ** (10 - exponent));
  return sign | (size < 2 ** -14 ? steps : ((exponent + 15) << 10) + steps - 1024);
}

/** Bits of the nearest bfloat16, ties to even. */
function toBrain(value: number): number {
  float[0] = value;
  const bits = word[0]!;
  if (Number.isNaN(value)) return 0x7fc0;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function roundEven(x: number): number {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 === 0 ? low : low + 1;
}

let halves: Float32Array | undefined;

/** The elements of a float32, float16 or bfloat16 tensor as float32, always a copy. */
export function floatsOf({ dtype, data }: Tensor): Float32Array {
  if (dtype === 'float16') {
    halves ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => fromHalf(bits));
    const values = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) values[i] = halves[data[i] as number] as number;
    return values;
  }
  if (dtype === 'bfloat16') {
    const values = new Float32Array(data.length);
    const words = new Uint32Array(values.buffer);
    for (let i = 0; i < data.length; i++) words[i] = (data[i] as number) << 16;
    return values;
  }
  return Float32Array.from(data as Float32Array);
}

/** The floats as a tensor of `like`'s type (float32, float16 or bfloat16) and shape. */
export function withFloats(like: Tensor, values: Float32Array): Tensor {
  const narrow = { float16: toHalf, bfloat16: toBrain }[like.dtype as 'float16'];
  const data = narrow ? Uint16Array.from(values, narrow) : values;
  return { dtype: like.dtype, dims: [...like.dims], data };
}
