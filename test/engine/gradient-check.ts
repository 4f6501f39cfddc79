import { gradientErrors as compareGradients, runPlain } from '../../bench/conformance/gradients.ts';
import { compile, elementCount, GraphBuilder, type Tensor, type Value } from '../../engine/index.ts';
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
  const data = Float32Array.from({ length: elementCount(dims) }, () => random.normal());
  return { dtype: 'float32', dims, data };
}

/** A case as a graph, with its inputs by name. */
function graphOf(test: GradientCase) {
  const b = new GraphBuilder(test.name, { opset: test.opset ?? 17 });
  const names = test.inputs.map((_, i) => `x${i}`);
  const values = test.inputs.map((tensor, i) => b.input(names[i]!, tensor.dtype, tensor.dims));
  b.output('y', test.build(b, values));
  return { graph: b.build(), names, feeds: Object.fromEntries(test.inputs.map((t, i) => [names[i]!, t])) };
}

/** The largest difference between the engine's forward run and ONNX Runtime's of the file's own operations. */
export async function forwardError(test: GradientCase): Promise<number> {
  const { graph, feeds } = graphOf(test);
  const expected = await runPlain(graph, feeds, ['y']);
  const program = await compile({ graph, feeds, outputs: ['y'], threads: 1 });
  const { y } = await program.run(feeds);
  await program.release();
  return largestDifference(y!, expected.y!);
}

/** The largest difference between the engine's gradient and finite differences for each input, relative to its largest. */
export async function gradientErrors(test: GradientCase): Promise<number[]> {
  const { graph, feeds, names } = graphOf(test);
  const differentiated = test.wrt ?? test.inputs.flatMap(({ dtype }, i) => (dtype === 'float32' ? [i] : []));
  const wrt = differentiated.map((i) => names[i]!);
  return Object.values(await compareGradients({ graph, feeds, wrt, outputs: ['y'] }));
}
