import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import {
  compile,
  elementCount,
  encodeGraph,
  type Graph,
  GraphBuilder,
  type Tensor,
  type Value,
} from '../../engine/index.ts';
import { Random } from '../../random/index.ts';
import { largestDifference } from './reference.ts';

export type Build = (b: GraphBuilder, x: Value[]) => Value;

export interface GradientCase {
  name: string;
  build: Build;
  inputs: Tensor[];
  /** Which inputs are differentiated; all float32 ones by default. */
  wrt?: number[];
  opset?: number;
}

/** Numbers in +-[low, high], no two alike and none near zero, so that no finite difference crosses a kink. */
export function spread(
  dims: number[],
  options: { low?: number; high?: number; positive?: boolean; seed?: number } = {},
): Tensor {
  const { low = 0.2, high = 1.5, positive = false, seed = 1 } = options;
  const random = new Random(seed, 'spread', ...dims);
  const count = elementCount(dims);
  const order = random.shuffle(Array.from({ length: count }, (_, i) => i));
  const data = Float32Array.from(order, (rank) => {
    const size = low + ((high - low) * (rank + 0.5)) / count;
    return positive || random.uniform() < 0.5 ? size : -size;
  });
  return { dtype: 'float32', dims, data };
}

export function randomTensor(dims: number[], seed: number): Tensor {
  const random = new Random(seed, 'cotangent');
  return {
    dtype: 'float32',
    dims,
    data: Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  };
}

const STEP = 1e-2;

interface Plain {
  graph: Graph;
  names: string[];
  forward(inputs: Tensor[]): Promise<Tensor>;
  release(): Promise<void>;
}

/** The forward graph of a case, run by ONNX Runtime as it stands. */
async function plainRun(test: GradientCase): Promise<Plain> {
  const b = new GraphBuilder(test.name, { opset: test.opset ?? 17 });
  const names = test.inputs.map((_, i) => `x${i}`);
  const values = test.inputs.map((tensor, i) => b.input(names[i]!, tensor.dtype, tensor.dims));
  b.output('y', test.build(b, values));
  const graph = b.build();
  const session = await InferenceSession.create(encodeGraph(graph), {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
  });
  const forward = async (inputs: Tensor[]) => {
    const fed = inputs.map(
      (t, i) => [names[i]!, new OrtTensor(t.dtype as 'float32', t.data as Float32Array, t.dims)] as const,
    );
    const { type, dims, data } = (await session.run(Object.fromEntries(fed))).y!;
    return { dtype: type as 'float32', dims: [...dims], data: data as Float32Array };
  };
  return { graph, names, forward, release: () => session.release() };
}

/** The largest difference between the engine's forward run and ONNX Runtime's of the file's own operations. */
export async function forwardError(test: GradientCase): Promise<number> {
  const { graph, names, forward, release } = await plainRun(test);
  const expected = await forward(test.inputs);
  const feeds = Object.fromEntries(test.inputs.map((t, i) => [names[i]!, t]));
  const program = await compile({ graph, feeds, outputs: ['y'], threads: 1 });
  const { y } = await program.run(feeds);
  await Promise.all([release(), program.release()]);
  return largestDifference(y!, expected);
}

/**
 * The largest difference between the engine's gradient of sum(y * cotangent) and central differences of the plain
 * forward graph, relative to the largest gradient of that input.
 */
export async function gradientErrors(test: GradientCase): Promise<number[]> {
  const { graph, names, forward, release } = await plainRun(test);
  const first = await forward(test.inputs);
  const cotangent = randomTensor([...first.dims], 7);
  const lossOf = async (inputs: Tensor[]) => {
    const y = (await forward(inputs)).data as Float32Array;
    return y.reduce((sum, value, i) => sum + value * Number(cotangent.data[i]), 0);
  };
  const wrt = test.wrt ?? test.inputs.flatMap((tensor, i) => (tensor.dtype === 'float32' ? [i] : []));
  const feeds = { ...Object.fromEntries(test.inputs.map((t, i) => [names[i]!, t])), cotangent };
  const program = await compile({
    graph,
    feeds,
    loss: (l) => l.dotCotangent(l.value('y'), l.input('cotangent')),
    wrt: wrt.map((i) => names[i]!),
    threads: 1,
  });
  const result = await program.run(feeds);
  const errors: number[] = [];
  for (const i of wrt) {
    const found = result[`grad.${names[i]}`]!;
    if (found.dims.join() !== test.inputs[i]!.dims.join())
      throw new Error(`gradient of shape [${found.dims}]`);
    let worst = 0;
    let largest = 1e-3;
    for (let element = 0; element < found.data.length; element++) {
      const moved = (by: number) => test.inputs.map((t, j) => (j === i ? nudged(t, element, by) : t));
      const numeric = ((await lossOf(moved(STEP))) - (await lossOf(moved(-STEP)))) / (2 * STEP);
      worst = Math.max(worst, Math.abs(numeric - Number(found.data[element])));
      largest = Math.max(largest, Math.abs(numeric));
    }
    errors.push(worst / largest);
  }
  await Promise.all([release(), program.release()]);
  return errors;
}

function nudged(tensor: Tensor, element: number, by: number): Tensor {
  const data = Float32Array.from(tensor.data as Float32Array);
  data[element] = data[element]! + by;
  return { ...tensor, data };
}
