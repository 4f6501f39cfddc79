import { type CompileOptions, compileValues } from './compile.ts';
import { sizeOf } from './ir/shapes.ts';
import { operationsOf, type TypedValue } from './ir/value.ts';
import type { DType } from './onnx/tensor.ts';

const WIDTH: Partial<Record<DType, number>> = {
  float32: 4,
  float64: 8,
  int64: 8,
  uint64: 8,
  int32: 4,
  uint32: 4,
  float16: 2,
  bfloat16: 2,
  int16: 2,
  uint16: 2,
};

/** ONNX Runtime gives these their input's memory. */
const ALIASES = new Set(['Reshape', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten']);

/**
 * Bytes that a program needs beside what is fed to it, by an estimate: its most live values at one time (each from its
 * making to its last reader, the results to the end) and its constants. Where memory is reused in place, less is needed.
 */
export async function estimateMemory(options: CompileOptions): Promise<number> {
  const { peak, constants } = mostLive(await compileValues(options));
  return constants + peak;
}

function bytes(dtype: DType, dims: readonly number[]): number {
  return sizeOf(dims) * (WIDTH[dtype] ?? 1);
}

function mostLive(targets: ReadonlyMap<string, TypedValue>): { peak: number; constants: number } {
  const operations = operationsOf(targets.values());
  const owner = (value: TypedValue): TypedValue =>
    value.op && !value.op.domain && ALIASES.has(value.op.opType) ? owner(value.op.inputs[0]!) : value;
  const constants = new Set<TypedValue>();
  const lastRead = new Map<TypedValue, number>();
  for (const [i, op] of operations.entries()) {
    for (const input of op.inputs) {
      if (!input) continue;
      if (input.constant) constants.add(input);
      else lastRead.set(owner(input), i);
    }
  }
  for (const value of targets.values()) lastRead.set(owner(value), operations.length);
  const freed = new Map<number, number>();
  for (const [value, at] of lastRead)
    if (value.op) freed.set(at, (freed.get(at) ?? 0) + bytes(value.dtype, value.dims));
  let live = 0;
  let peak = 0;
  for (const [i, op] of operations.entries()) {
    for (const output of op.outputs) {
      if (owner(output) !== output) continue;
      // What nobody reads lives for the operation alone.
      const size = bytes(output.dtype, output.dims);
      live += size;
      if (!lastRead.has(output)) freed.set(i, (freed.get(i) ?? 0) + size);
    }
    peak = Math.max(peak, live);
    live -= freed.get(i) ?? 0;
  }
  let held = 0;
  for (const { dtype, dims } of constants) held += bytes(dtype, dims);
  return { peak, constants: held };
}
