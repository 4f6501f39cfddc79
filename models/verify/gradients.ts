import {
  compile,
  type Graph,
  type LossBuilder,
  Parameters,
  type ProbeTarget,
  type Tensor,
  type TypedValue,
  withProbes,
} from '../../engine/index.ts';
import { numbersOf } from './numbers.ts';
import type { Piece } from './weights.ts';

export interface GradientRun {
  graph: Graph;
  feeds: Record<string, Tensor>;
  loss: (b: LossBuilder) => TypedValue;
  outputs: readonly string[];
  /** Feeds whose gradients are wanted. */
  inputs: readonly string[];
  targets: readonly ProbeTarget[];
}

export interface GradientResult {
  /** Outputs and the loss by name, gradients of feeds as 'grad.<name>'. */
  values: Record<string, Tensor>;
  /** The gradient of a piece of a parameter, products as [out, in]. */
  gradientOf: (piece: Piece) => Tensor;
}

/** Runs one graph forward and backward. */
export async function runGradients(run: GradientRun): Promise<GradientResult> {
  const { feeds, loss, outputs, inputs, targets } = run;
  const { graph, probes } = withProbes(run.graph, targets);
  const names = new Set(probes.map(({ name }) => name));
  const program = await compile({ graph, feeds, loss, outputs, wrt: [...inputs, ...names] });
  try {
    const values = await program.run(feeds, Parameters.fromGraph(graph, names));
    const byTarget = new Map(targets.map((target, i) => [target, probes[i]!]));
    const gradientOf = ({ target, slice }: Piece) => {
      const { name, transposed } = byTarget.get(target)!;
      const found = values[`grad.${name}`] as Tensor;
      const whole = target.linear && !transposed ? turned(found) : asFloat32(found);
      return slice ? rows(whole, slice) : whole;
    };
    return { values, gradientOf };
  } finally {
    await program.release();
  }
}

/** Runs one graph forward with the engine. */
export async function runForward(
  graph: Graph,
  feeds: Record<string, Tensor>,
  outputs: readonly string[],
): Promise<Record<string, Tensor>> {
  const program = await compile({ graph, feeds, outputs });
  try {
    return await program.run(feeds, graph.initializers);
  } finally {
    await program.release();
  }
}

function asFloat32(tensor: Tensor): Tensor {
  return { dtype: 'float32', dims: tensor.dims, data: Float32Array.from(numbersOf(tensor)) };
}

function turned(tensor: Tensor): Tensor {
  const [height, width] = tensor.dims as [number, number];
  const values = numbersOf(tensor);
  const data = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++)
    data[(i % width) * height + Math.floor(i / width)] = values[i] as number;
  return { dtype: 'float32', dims: [width, height], data };
}

function rows(tensor: Tensor, [start, end]: [number, number]): Tensor {
  const width = tensor.data.length / (tensor.dims[0] as number);
  const data = (tensor.data as Float32Array).slice(start * width, end * width);
  return { dtype: 'float32', dims: [end - start, ...tensor.dims.slice(1)], data };
}

/** Tensors one after the other along the first axis. */
export function joined(tensors: readonly Tensor[]): Tensor {
  if (tensors.length === 1) return tensors[0] as Tensor;
  const data = new Float32Array(tensors.reduce((sum, tensor) => sum + tensor.data.length, 0));
  let at = 0;
  for (const tensor of tensors) {
    data.set(numbersOf(tensor), at);
    at += tensor.data.length;
  }
  const height = tensors.reduce((sum, { dims }) => sum + (dims[0] as number), 0);
  return { dtype: 'float32', dims: [height, ...(tensors[0] as Tensor).dims.slice(1)], data };
}
