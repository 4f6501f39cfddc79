import { type DType, elementCount, type Tensor, type TensorData } from '../../engine/index.ts';

/** The elements as floats, whatever the type; halves are decoded. */
export function floatsOf({ dtype, data }: Tensor): Float64Array {
  if (dtype === 'float16') return Float64Array.from(data as Uint16Array, halfToNumber);
  if (dtype === 'bfloat16') return Float64Array.from(data as Uint16Array, brainToNumber);
  return Float64Array.from(data as ArrayLike<number | bigint>, Number);
}

/** The same numbers in another element type; the tensor itself where it has that type. */
export function castTensor(tensor: Tensor, dtype: DType): Tensor {
  if (tensor.dtype === dtype) return tensor;
  const dims = [...tensor.dims];
  if (dtype === 'int64') {
    const whole = BigInt64Array.from(floatsOf(tensor), (v) => BigInt(Math.trunc(v)));
    return { dtype, dims, data: whole };
  }
  const arrays: Partial<Record<DType, (values: Float64Array) => TensorData>> = {
    float32: (values) => Float32Array.from(values),
    float64: (values) => values,
    float16: (values) => Uint16Array.from(values, numberToHalf),
    int32: (values) => Int32Array.from(values),
    bool: (values) => Uint8Array.from(values, (v) => (v === 0 ? 0 : 1)),
    uint8: (values) => Uint8Array.from(values),
  };
  const make = arrays[dtype];
  if (!make) throw new Error(`no conversion from ${tensor.dtype} to ${dtype}`);
  return { dtype, dims, data: make(floatsOf(tensor)) };
}

/** A tensor of one number repeated. */
export function filled(dtype: DType, dims: number[], value: number): Tensor {
  const data = new Float64Array(elementCount(dims)).fill(value);
  return castTensor({ dtype: 'float64', dims, data }, dtype);
}

function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

function brainToNumber(bits: number): number {
  singleBits[0] = bits << 16;
  return single[0] as number;
}

/** To the nearest half, ties to even. */
function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  const scaled = size === 0 ? 0 : roundEven(size / 2 ** (exponent - 10));
  // A rounding up to 2048 carries into the exponent by itself.
  return sign | (size < 2 ** -14 ? roundEven(size * 2 ** 24) : ((exponent + 15) << 10) + (scaled - 1024));
}

function roundEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}
