import {
  type DType,
  elementCount,
  floatsOf,
  type Tensor,
  type TensorData,
  withFloats,
} from '../../engine/index.ts';

/** The elements as numbers, whatever the type; halves are decoded. */
export function numbersOf(tensor: Tensor): Float64Array {
  const { dtype, data } = tensor;
  if (dtype === 'float16' || dtype === 'bfloat16') return Float64Array.from(floatsOf(tensor));
  return Float64Array.from(data as ArrayLike<number | bigint>, Number);
}

/** The same numbers in another element type; the tensor itself where it has that type. */
export function castTensor(tensor: Tensor, dtype: DType): Tensor {
  if (tensor.dtype === dtype) return tensor;
  const dims = [...tensor.dims];
  if (dtype === 'float16' || dtype === 'bfloat16') {
    return withFloats({ ...tensor, dtype }, Float32Array.from(numbersOf(tensor)));
  }
  if (dtype === 'int64') {
    const whole = BigInt64Array.from(numbersOf(tensor), (v) => BigInt(Math.trunc(v)));
    return { dtype, dims, data: whole };
  }
  const arrays: Partial<Record<DType, (values: Float64Array) => TensorData>> = {
    float32: (values) => Float32Array.from(values),
    float64: (values) => values,
    int32: (values) => Int32Array.from(values),
    bool: (values) => Uint8Array.from(values, (v) => (v === 0 ? 0 : 1)),
    uint8: (values) => Uint8Array.from(values),
  };
  const make = arrays[dtype];
  if (!make) throw new Error(`no conversion from ${tensor.dtype} to ${dtype}`);
  return { dtype, dims, data: make(numbersOf(tensor)) };
}

/** A tensor of one number repeated. */
export function filled(dtype: DType, dims: number[], value: number): Tensor {
  const data = new Float64Array(elementCount(dims)).fill(value);
  return castTensor({ dtype: 'float64', dims, data }, dtype);
}
