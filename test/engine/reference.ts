import { readFileSync } from 'node:fs';
import { type DType, elementCount, float32, type Tensor } from '../../engine/index.ts';
import { fromBytes } from '../../engine/onnx/tensor.ts';

const folder = new URL('../fixtures/vlm/llava/', import.meta.url);

export type Family = 'llava' | 'smolvlm' | 'qwen2_vl';

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

/** Which initializer of which file holds each weight, and whether it is transposed there. */
export function llavaWeights(): Record<string, { initializer: string; transposed: boolean }> {
  return JSON.parse(readFileSync(new URL('reference.json', folder), 'utf8')).weight_to_initializer;
}

export function emptyPast(layers: number, heads: number, width: number, batch = 1): Record<string, Tensor> {
  const names = Array.from({ length: layers }, (_, i) => [
    `past_key_values.${i}.key`,
    `past_key_values.${i}.value`,
  ]);
  return Object.fromEntries(names.flat().map((name) => [name, float32([batch, heads, 0, width], [])]));
}

export function transposed({ dims, data }: Tensor): Tensor {
  const [rows, columns] = dims as [number, number];
  const values = Float32Array.from({ length: elementCount(dims) }, (_, i) =>
    Number(data[(i % rows) * columns + Math.floor(i / rows)]),
  );
  return { dtype: 'float32', dims: [columns, rows], data: values };
}

/** The largest difference, relative to the largest entry of `expected`. */
export function relativeError(actual: Tensor, expected: Tensor): number {
  if (actual.dims.join() !== expected.dims.join()) {
    throw new Error(`shape [${actual.dims}] is not [${expected.dims}]`);
  }
  let worst = 0;
  let largest = 1e-30;
  for (let i = 0; i < expected.data.length; i++) {
    const difference = Math.abs(Number(actual.data[i]) - Number(expected.data[i]));
    worst = Math.max(worst, difference);
    largest = Math.max(largest, Math.abs(Number(expected.data[i])));
  }
  return worst / largest;
}
