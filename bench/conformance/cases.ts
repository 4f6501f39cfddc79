import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { decodeTensor, type Graph, type Tensor, type ValueInfo } from '../../engine/index.ts';

/** A node test as the package `onnx` ships it: a model, and tensors by file name (`input_0.pb`, `output_0.pb`). */
export interface NodeCase {
  name: string;
  model: Uint8Array;
  tensors: Map<string, Uint8Array>;
  /** What the case came to when it was packed. */
  outcome?: string;
}

/** A node test, read. */
export interface LoadedCase {
  graph: Graph;
  inputs: Record<string, Tensor>;
  expected: Record<string, Tensor>;
}

/**
 * Inputs and outputs go by their place: the tensors' own names are not always those of the graph. Values that are no
 * tensors (sequences, optionals) are absent. Throws GuardError BAD_MODEL.
 */
export function loadCase({ name, tensors }: NodeCase, graph: Graph): LoadedCase {
  const read = (kind: string, values: readonly ValueInfo[]) =>
    Object.fromEntries(
      values.flatMap((value, i) => {
        const bytes = value.dtype && tensors.get(`${kind}_${i}.pb`);
        return bytes ? [[value.name, decodeTensor(bytes, `${name}: '${value.name}'`)]] : [];
      }),
    );
  return { graph, inputs: read('input', graph.inputs), expected: read('output', graph.outputs) };
}

/**
 * Cases in one file: Brotli over the length of the table of contents (uint32, little-endian), that table as JSON, and
 * the files one after another. The same cases give the same bytes.
 */
export function packCases(cases: readonly NodeCase[]): Uint8Array {
  const contents = cases.map(({ name, model, tensors, outcome }) => ({
    name,
    outcome,
    model: model.byteLength,
    tensors: [...tensors].map(([file, bytes]) => [file, bytes.byteLength] as const),
  }));
  const table = Buffer.from(JSON.stringify(contents));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(table.byteLength);
  const files = cases.flatMap(({ model, tensors }) => [model, ...tensors.values()]);
  return brotliCompressSync(Buffer.concat([length, table, ...files]), {
    params: { [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS },
  });
}

export function unpackCases(packed: Uint8Array): NodeCase[] {
  const bytes = brotliDecompressSync(packed);
  let at = 4 + bytes.readUInt32LE(0);
  const next = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const contents = JSON.parse(bytes.toString('utf8', 4, at)) as {
    name: string;
    outcome: string;
    model: number;
    tensors: [string, number][];
  }[];
  return contents.map(({ name, outcome, model, tensors }) => ({
    name,
    outcome,
    model: next(model),
    tensors: new Map(tensors.map(([file, length]) => [file, next(length)])),
  }));
}
