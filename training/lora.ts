import type { Graph, LoraOptions, Parameters, TensorSource } from '../engine/index.ts';
import { dropoutInput, float32, largeWeights, type Tensor } from '../engine/index.ts';
import { Random } from '../random/index.ts';
import type { Device } from '../schemas/device.ts';
import { LoraConfig } from '../schemas/training.ts';
import type { Group } from './group.ts';

/** What a model folder is trained with where the configuration says nothing of adapters. */
export const DEFAULT_LORA = LoraConfig.parse({ rank: 8, alpha: 16 });

export function loraOptions({ rank, alpha, dropout, rankStabilised }: LoraConfig, seed: number): LoraOptions {
  return { rank, alpha, dropout, rankStabilised, seed };
}

/**
 * What the programs of an adapted graph are fed, and where it is found: the adapters, and the frozen base. On CUDA the base
 * is a part of each program: what is fed would be copied to the device at each run.
 */
export function shared(
  graph: Graph,
  adapters: Parameters,
  device: Device,
): { fed: string[]; weights: TensorSource } {
  const frozen = device === 'cuda' ? [] : largeWeights(graph).filter((name) => !adapters.has(name));
  return {
    fed: [...adapters.names, ...frozen],
    weights: {
      has: (name) => adapters.has(name) || graph.initializers.has(name),
      get: (name) => (adapters.has(name) ? adapters.get(name) : graph.initializers.get(name)),
    },
  };
}

/**
 * The masks that a run is fed: each element of an adapter's input is dropped with the given chance, what is kept grows in
 * turn. A row's masks depend on seed, step and row alone, not on the rows beside it.
 */
export function dropoutMasks(
  { samples, spans, irrelevant }: Group,
  layers: readonly { path: string; inFeatures: number }[],
  chance: number,
  stream: readonly (string | number)[],
  seed: number,
): Record<string, Tensor> {
  const length = irrelevant.length / samples.length;
  const kept = 1 / (1 - chance);
  return masks(layers, samples.length, length, (path, width, data) => {
    for (const [row, { id, perturbation }] of samples.entries()) {
      const random = new Random(seed, 'dropout', ...stream, path, id, perturbation);
      const [start, end] = spans[row]!;
      const last = (row * length + end) * width;
      for (let i = (row * length + start) * width; i < last; i++) {
        data[i] = random.uniform() < chance ? 0 : kept;
      }
    }
  });
}

/** Masks that drop nothing. */
export function openMasks(
  rows: number,
  length: number,
  layers: readonly { path: string; inFeatures: number }[],
): Record<string, Tensor> {
  return masks(layers, rows, length, (_, __, data) => void data.fill(1));
}

function masks(
  layers: readonly { path: string; inFeatures: number }[],
  rows: number,
  length: number,
  fill: (path: string, width: number, data: Float32Array) => void,
): Record<string, Tensor> {
  return Object.fromEntries(
    layers.map(({ path, inFeatures: width }) => {
      const mask = float32([rows, length, width], new Float32Array(rows * length * width));
      fill(path, width, mask.data as Float32Array);
      return [dropoutInput(path), mask] as const;
    }),
  );
}
