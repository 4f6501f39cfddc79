import type { DType, Tensor } from './tensor.ts';

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
  const size = bits & 0x7fffffff;
  if (size >= 0x7f800000) return sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (size >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14 the steps are 2^-24.
  if (size < 0x38800000) return sign | roundEven(Math.abs(float[0]) * 2 ** 24);
  const half = (size - 0x38000000) >>> 13;
  const rest = size & 0x1fff;
  return sign | (rest > 0x1000 || (rest === 0x1000 && half & 1) ? half + 1 : half);
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

/** The elements of a float tensor as float32: its own array where they are, else a copy. */
export function float32Of(tensor: Tensor): Float32Array {
  return tensor.dtype === 'float32' ? (tensor.data as Float32Array) : floatsOf(tensor);
}

/** The floats as a tensor of `like`'s type (float32, float16 or bfloat16) and shape. */
export function withFloats(like: Pick<Tensor, 'dtype' | 'dims'>, values: Float32Array): Tensor {
  const { dims, dtype } = like;
  const narrow = { float16: toHalf, bfloat16: toBrain }[dtype as 'float16'];
  if (!narrow) return { dtype, dims: [...dims], data: values };
  const data = new Uint16Array(values.length);
  for (let i = 0; i < data.length; i++) data[i] = narrow(values[i] as number);
  return { dtype, dims: [...dims], data };
}

/** A float32 tensor in the float type that a graph takes; tensors of other types stay as they are. */
export function inFloatType(tensor: Tensor, dtype: DType): Tensor {
  const narrow = tensor.dtype === 'float32' && (dtype === 'float16' || dtype === 'bfloat16');
  return narrow ? withFloats({ dtype, dims: tensor.dims }, tensor.data as Float32Array) : tensor;
}
