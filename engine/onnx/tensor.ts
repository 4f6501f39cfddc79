import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type TensorProto, toBigInt, toNumber } from './proto.ts';

/** Element types by ONNX Runtime's names, each with its ONNX number and the typed array that holds it. */
const TYPES = {
  float32: { code: 1, array: Float32Array },
  uint8: { code: 2, array: Uint8Array },
  int8: { code: 3, array: Int8Array },
  uint16: { code: 4, array: Uint16Array },
  int16: { code: 5, array: Int16Array },
  int32: { code: 6, array: Int32Array },
  int64: { code: 7, array: BigInt64Array },
  bool: { code: 9, array: Uint8Array },
  /** IEEE half, as its bits. */
  float16: { code: 10, array: Uint16Array },
  float64: { code: 11, array: Float64Array },
  uint32: { code: 12, array: Uint32Array },
  uint64: { code: 13, array: BigUint64Array },
  /** bfloat16, as its bits. */
  bfloat16: { code: 16, array: Uint16Array },
  /** Two to a byte, the first in the lower half. */
  uint4: { code: 21, array: Uint8Array },
  int4: { code: 22, array: Uint8Array },
} as const;

export type DType = keyof typeof TYPES;

export type TensorData =
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A dense row-major array. `bool` holds 0 and 1; the halves hold bits, the types of 4 bits whole bytes. */
export interface Tensor {
  dtype: DType;
  dims: number[];
  data: TensorData;
}

export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

export function dtypeCode(dtype: DType): number {
  return TYPES[dtype].code;
}

export function dtypeOf(code: number): DType | undefined {
  return (Object.keys(TYPES) as DType[]).find((name) => TYPES[name].code === code);
}

/** Zeros for so many elements. */
export function newData(dtype: DType, length: number): TensorData {
  return new TYPES[dtype].array(slotsOf(dtype, length));
}

/** Bytes that a tensor of this shape takes. */
const byteLengthOf = (dtype: DType, dims: readonly number[]) =>
  slotsOf(dtype, elementCount(dims)) * TYPES[dtype].array.BYTES_PER_ELEMENT;

/** Members of the typed array that hold so many elements. */
function slotsOf(dtype: DType, length: number): number {
  return dtype === 'int4' || dtype === 'uint4' ? Math.ceil(length / 2) : length;
}

/** A float32 tensor from plain numbers. */
export function float32(dims: number[], values: ArrayLike<number>): Tensor {
  return { dtype: 'float32', dims, data: Float32Array.from(values) };
}

/** An int64 tensor from plain numbers. */
export function int64(dims: number[], values: ArrayLike<number>): Tensor {
  return { dtype: 'int64', dims, data: BigInt64Array.from(Array.from(values, (v) => BigInt(v))) };
}

/** The elements as plain numbers (int64 beyond 2^53 loses digits). */
export function toNumbers(tensor: Tensor): number[] {
  return Array.from(tensor.data as ArrayLike<number | bigint>, Number);
}

/** Bytes of the elements, without a copy. */
export function bytesOf(tensor: Tensor): Uint8Array {
  return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

/** Elements from little-endian bytes at any alignment (always a copy). */
export function fromBytes(dtype: DType, dims: number[], bytes: Uint8Array): Tensor {
  const needed = byteLengthOf(dtype, dims);
  if (bytes.byteLength !== needed) {
    throw new GuardError(
      ErrorCode.BadModel,
      `a ${dtype} tensor of shape [${dims}] needs ${needed} bytes, found ${bytes.byteLength}`,
    );
  }
  const data = newData(dtype, elementCount(dims));
  new Uint8Array(data.buffer).set(bytes);
  return { dtype, dims, data };
}

/** Bytes of a tensor in a data file; those in `shared` belong to several tensors and are neither copied nor written. */
export type ExternalBytes = Uint8Array | { shared: Uint8Array<ArrayBuffer> };

/**
 * `external` resolves a tensor kept in a data file beside the model to its bytes.
 * Throws GuardError BAD_MODEL on an unknown element type or a wrong number of elements.
 */
export function tensorFromProto(
  proto: TensorProto,
  external: (entries: Record<string, string>) => ExternalBytes,
): Tensor {
  const dims = (proto.dims ?? []).map(toNumber);
  const dtype = dtypeOf(proto.dataType ?? 0);
  const fail = (what: string) =>
    new GuardError(ErrorCode.BadModel, `tensor '${proto.name ?? ''}' of shape [${dims}]: ${what}`);
  if (!dtype)
    throw fail(
      `element type ${proto.dataType} is not supported; export it as float32, float16 or integers of 4 or 8 bits`,
    );
  if (dims.some((dim) => dim < 0)) throw fail('a dimension is negative');
  if (proto.dataLocation === 1) {
    const entries = Object.fromEntries((proto.externalData ?? []).map((e) => [e.key, e.value]));
    const needed = byteLengthOf(dtype, dims);
    if (entries.length !== undefined && Number(entries.length) !== needed)
      throw fail(
        `needs ${needed} bytes, and its data file is said to hold ${entries.length}; export the model again`,
      );
    const bytes = external({ ...entries, length: String(needed) });
    if (!('shared' in bytes)) return fromBytes(dtype, dims, bytes);
    const { buffer, byteOffset } = bytes.shared;
    return {
      dtype,
      dims,
      data: new TYPES[dtype].array(buffer, byteOffset, slotsOf(dtype, elementCount(dims))),
    };
  }
  const count = slotsOf(dtype, elementCount(dims));
  const { rawData } = proto;
  if (rawData && rawData.byteLength > 0) {
    const needed = byteLengthOf(dtype, dims);
    if (rawData.byteLength === needed) return fromBytes(dtype, dims, rawData);
    throw fail(`needs ${needed} bytes, found ${rawData.byteLength}; export or copy the file again`);
  }
  const values = typedValues(proto, dtype);
  if (values.length !== count) throw fail(`expected ${count} elements, found ${values.length}`);
  const data = newData(dtype, count);
  (data as { set(values: ArrayLike<unknown>): void }).set(values);
  return { dtype, dims, data };
}

function typedValues(proto: TensorProto, dtype: DType): ArrayLike<number | bigint> {
  if (dtype === 'float32') return proto.floatData ?? [];
  if (dtype === 'float64') return proto.doubleData ?? [];
  if (dtype === 'int64') return (proto.int64Data ?? []).map(toBigInt);
  if (dtype === 'uint64') return (proto.uint64Data ?? []).map(toBigInt);
  if (dtype === 'uint32') return (proto.uint64Data ?? []).map(toNumber);
  return proto.int32Data ?? [];
}

/** With `place` the bytes are left to a data file. */
export function tensorToProto(tensor: Tensor, name?: string, place?: object): TensorProto {
  const data = place
    ? {
        externalData: Object.entries(place).map(([key, value]) => ({ key, value: `${value}` })),
        dataLocation: 1,
      }
    : { rawData: bytesOf(tensor) };
  return {
    dims: tensor.dims,
    dataType: dtypeCode(tensor.dtype),
    ...(name === undefined ? {} : { name }),
    ...data,
  };
}
