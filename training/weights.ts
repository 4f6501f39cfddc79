import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Graph } from '../engine/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { TrainConfig } from '../schemas/training.ts';

/** Name that the token embeddings have among the trained parameters. */
export const embeddingTable = 'embed_tokens';

/**
 * Float32 initializers that are weights: vectors and matrices. Numbers that only reach rotary angles (through Sin and
 * Cos) are constants of the architecture.
 */
export function trainableWeights(graph: Graph): string[] {
  const angles = new Set<string>();
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i]!;
    const turns = node.opType === 'Sin' || node.opType === 'Cos';
    if (turns || node.outputs.some((name) => angles.has(name))) {
      for (const name of node.inputs) angles.add(name);
    }
  }
  const read = new Set(graph.nodes.flatMap((node) => node.inputs));
  return [...graph.initializers]
    .filter(([name, { dtype, dims, data }]) => {
      const matrix = (dims.length === 1 || dims.length === 2) && data.length > 1;
      return dtype === 'float32' && matrix && read.has(name) && !angles.has(name);
    })
    .map(([name]) => name);
}

/** The name of the table [vocabulary, width] in embed_tokens.onnx. Throws GuardError BAD_MODEL where there is none. */
export function embeddingName(graph: Graph, width: number): string {
  const gather = graph.nodes.find((node) => {
    const table = graph.initializers.get(node.inputs[0] ?? '');
    return node.opType === 'Gather' && table?.dtype === 'float32' && table.dims[1] === width;
  });
  if (gather) return gather.inputs[0] as string;
  throw new GuardError(
    ErrorCode.BadModel,
    `${graph.source}: expected token embeddings [vocabulary, ${width}] in float32 that a Gather looks up`,
  );
}

export function weightBytes(graph: Graph): number {
  return [...graph.initializers.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** Names a run: its configuration, its model's files and its rows. A checkpoint fits the run with the same digest only. */
export async function runDigest(
  config: TrainConfig,
  files: readonly string[],
  rows: readonly PerturbedSample[],
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(config));
  for (const file of files) for await (const bytes of createReadStream(file)) hash.update(bytes);
  for (const { image, ...row } of rows) {
    hash.update(JSON.stringify(row));
    hash.update(image ? image.bytes : 'no image');
  }
  return hash.digest('hex');
}
