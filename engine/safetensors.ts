import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { DType, Tensor, TensorData } from './onnx/tensor.ts';

/** Named tensors and free text beside them, as a safetensors file holds them. */
export interface SafeTensors {
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
}

type TypedArray = new (buffer: ArrayBuffer, byteOffset: number, length: number) => TensorData;

const kinds: { dtype: DType; code: string; array: TypedArray; bytes: number }[] = [
  { dtype: 'float32', code: 'F32', array: Float32Array, bytes: 4 },
  { dtype: 'float16', code: 'F16', array: Uint16Array, bytes: 2 },
  { dtype: 'int64', code: 'I64', array: BigInt64Array, bytes: 8 },
  { dtype: 'int32', code: 'I32', array: Int32Array, bytes: 4 },
  { dtype: 'bool', code: 'BOOL', array: Uint8Array, bytes: 1 },
];

/**
 * Tensors as safetensors bytes: 8 bytes header length, JSON header padded to 8, then the data in the map's order.
 * Equal input gives equal bytes. Throws GuardError BAD_INPUT for a dtype that the format is not written with here.
 */
export function encodeSafeTensors({ tensors, metadata }: SafeTensors): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, tensor] of tensors) {
    const kind = kinds.find((k) => k.dtype === tensor.dtype);
    if (!kind) {
      throw new GuardError(ErrorCode.BadInput, `tensor '${name}': ${tensor.dtype} cannot be stored`);
    }
    const end = offset + tensor.data.byteLength;
    header[name] = { dtype: kind.code, shape: tensor.dims, data_offsets: [offset, end] };
    offset = end;
  }
  let text = JSON.stringify(header);
  text += ' '.repeat((8 - (Buffer.byteLength(text) % 8)) % 8);
  const head = Buffer.from(text);
  const result = new Uint8Array(8 + head.length + offset);
  new DataView(result.buffer).setBigUint64(0, BigInt(head.length), true);
  result.set(head, 8);
  let at = 8 + head.length;
  for (const { data } of tensors.values()) {
    result.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return result;
}

/** Reads safetensors bytes; the data is copied. Throws GuardError BAD_INPUT naming `source` for anything else. */
export function decodeSafeTensors(bytes: Uint8Array, source: string): SafeTensors {
  const bad = (what: string, cause?: unknown) =>
    new GuardError(ErrorCode.BadInput, `${source}: ${what}`, { cause });
  if (bytes.length < 8) throw bad('this is not a safetensors file (too short)');
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) throw bad('this is not a whole safetensors file (the header is cut off)');
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset + 8, length).toString('utf8'));
  } catch (cause) {
    throw bad('this is not a safetensors file (its header is no JSON)', cause);
  }
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors = new Map<string, Tensor>();
  for (const [name, entry] of Object.entries(entries)) {
    tensors.set(
      name,
      readTensor(entry as Entry, bytes.subarray(8 + length), (what) => bad(`'${name}': ${what}`)),
    );
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

function readTensor(entry: Entry, data: Uint8Array, bad: (what: string) => Error): Tensor {
  const kind = kinds.find((k) => k.code === entry.dtype);
  if (!kind)
    throw bad(`dtype ${entry.dtype} is not supported (expected ${kinds.map((k) => k.code).join(', ')})`);
  const [start, end] = entry.data_offsets;
  const count = entry.shape.reduce((a, b) => a * b, 1);
  if (end - start !== count * kind.bytes)
    throw bad(`shape [${entry.shape}] does not match ${end - start} bytes`);
  if (end > data.length) throw bad('the file ends before the data; copy or download it again');
  // Not `slice`: a Buffer's shares memory.
  const copy = new Uint8Array(data.subarray(start, end));
  return { dtype: kind.dtype, dims: [...entry.shape], data: new kind.array(copy.buffer, 0, count) };
}
