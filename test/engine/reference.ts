import { readFileSync } from 'node:fs';
import { type DType, elementCount, float32, type Graph, type Tensor } from '../../engine/index.ts';
import { fromBytes } from '../../engine/onnx/tensor.ts';

const folder = new URL('../fixtures/vlm/llava/', import.meta.url);

export type Family =
  | 'llava'
  | 'smolvlm'
  | 'qwen2_vl'
  | 'qwen2_5_vl'
  | 'instructblip'
  | 'llava_next'
  | 'llava_qwen3'
  | 'idefics3';

/** A file of one of the tiny models whose reference figures come from PyTorch. */
export function familyFile(family: Family, name: string): string {
  return new URL(`../${family}/${name}`, folder).pathname;
}

/** A file of the tiny LLaVA whose reference figures come from PyTorch. */
export function llavaFile(name: string): string {
  return new URL(name, folder).pathname;
}

export function llavaReference(): Record<string, Tensor> {
  return familyReference('llava');
}

/** The stored reference arrays by name. */
export function familyReference(family: Family): Record<string, Tensor> {
  const bytes = readFileSync(familyFile(family, 'reference.bin'));
  const index = JSON.parse(readFileSync(familyFile(family, 'reference.index.json'), 'utf8')) as Record<
    string,
    { dtype: DType; shape: number[]; offset: number; nbytes: number }
  >;
  return Object.fromEntries(
    Object.entries(index).map(([name, { dtype, shape, offset, nbytes }]) => [
      name,
      fromBytes(dtype, shape, bytes.subarray(offset, offset + nbytes)),
    ]),
  );
}

export interface WeightPlace {
  initializer: string;
  /** The file holds [in, out] where PyTorch has [out, in]. */
  transposed: boolean;
}

/** Which initializer of the plain decoder holds each weight. */
export function familyWeights(family: Family): Record<string, WeightPlace> {
  return JSON.parse(readFileSync(familyFile(family, 'reference.json'), 'utf8')).weight_to_initializer;
}

/** Empty caches for each `past_key_values` input, in the input's own shape. */
export function emptyCaches(graph: Graph, batch = 1): Record<string, Tensor> {
  const caches = graph.inputs.filter((input) => input.name.startsWith('past_key_values.'));
  return Object.fromEntries(
    caches.map(({ name, dims }) => [name, float32([batch, Number(dims![1]), 0, Number(dims![3])], [])]),
  );
}

export function transposed({ dims, data }: Tensor): Tensor {
  const [rows, columns] = dims as [number, number];
  const values = Float32Array.from({ length: elementCount(dims) }, (_, i) =>
    Number(data[(i % rows) * columns + Math.floor(i / rows)]),
  );
  return { dtype: 'float32', dims: [columns, rows], data: values };
}

/** Columns [start, start + count) of a matrix. */
export function columnsOf({ dims, data }: Tensor, start: number, count: number): Tensor {
  const [rows, columns] = dims as [number, number];
  const values = Float32Array.from({ length: rows * count }, (_, i) =>
    Number(data[Math.floor(i / count) * columns + start + (i % count)]),
  );
  return { dtype: 'float32', dims: [rows, count], data: values };
}

export function largestDifference(actual: Tensor, expected: Tensor): number {
  if (actual.dims.join() !== expected.dims.join()) {
    throw new Error(`shape [${actual.dims}] is not [${expected.dims}]`);
  }
  let worst = 0;
  for (let i = 0; i < expected.data.length; i++) {
    const difference = Math.abs(Number(actual.data[i]) - Number(expected.data[i]));
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
  }
  return worst;
}

/** The largest difference, relative to the largest entry of `expected`. */
export function relativeError(actual: Tensor, expected: Tensor): number {
  let largest = 1e-30;
  for (const value of expected.data) largest = Math.max(largest, Math.abs(Number(value)));
  return largestDifference(actual, expected) / largest;
}
