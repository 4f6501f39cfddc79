import { Random } from '../random/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { attribute, type Graph, type Node, numberAttribute } from './onnx/graph.ts';
import { float32, type Tensor } from './onnx/tensor.ts';

export interface LoraOptions {
  /** Weights to adapt: by a pattern on, or a list of, the names of initializers that MatMul and Gemm nodes read. */
  targets: RegExp | readonly string[];
  rank: number;
  /** The adapter's part of the output is scaled by alpha / rank. */
  alpha: number;
  seed: number;
}

interface Adapted {
  weight: string;
  /** Nodes that multiply by the weight. */
  nodes: Node[];
  input: number;
  output: number;
  /** The weight is stored as [out, in]. */
  transposed: boolean;
}

export function loraNames(weight: string): { a: string; b: string } {
  return { a: `${weight}.lora_A`, b: `${weight}.lora_B` };
}

/** The adapters' initializers of a graph that `applyLora` made: what is trained. */
export function loraParameters(graph: Graph): string[] {
  return [...graph.initializers.keys()].filter((name) => /\.lora_[AB]$/.test(name));
}

/**
 * Low-rank adaptation: a copy of the graph in which each matched product x W becomes x W + (alpha / rank) (x A) B.
 * A [in, rank] is uniform in +-1/sqrt(in) from the seed, B [rank, out] is zero, so that nothing changes at the start.
 * Throws GuardError BAD_CONFIG where no weight matches.
 */
export function applyLora(graph: Graph, options: LoraOptions): Graph {
  const copy = graph.clone();
  const found = adaptedWeights(copy, options.targets);
  const scale = '/lora/scale';
  copy.initializers.set(scale, float32([], [options.alpha / options.rank]));
  for (const { weight, nodes, input, output } of found) {
    const random = new Random(options.seed, 'lora', weight);
    const bound = 1 / Math.sqrt(input);
    const { a, b } = loraNames(weight);
    const start = Array.from({ length: input * options.rank }, () => (2 * random.uniform() - 1) * bound);
    copy.initializers.set(a, float32([input, options.rank], start));
    copy.initializers.set(b, {
      dtype: 'float32',
      dims: [options.rank, output],
      data: new Float32Array(options.rank * output),
    });
    for (const node of nodes) insertAdapter(copy, node, a, b, scale);
  }
  return copy;
}

function insertAdapter(graph: Graph, node: Node, a: string, b: string, scale: string): void {
  const stem = `${node.name}/lora`;
  const result = node.outputs[0] as string;
  node.outputs[0] = `${stem}/base`;
  const made = (opType: string, inputs: string[], output: string): Node => ({
    name: `${stem}/${opType}_${output.split('/').at(-1)}`,
    opType,
    domain: '',
    inputs,
    outputs: [output],
    attributes: {},
  });
  let x = node.inputs[0] as string;
  const added: Node[] = [];
  if (node.opType === 'Gemm' && numberAttribute(node, 'transA', 0)) {
    const turned = made('Transpose', [x], `${stem}/x`);
    turned.attributes.perm = attribute('perm', [1, 0]);
    added.push(turned);
    x = `${stem}/x`;
  }
  added.push(
    made('MatMul', [x, a], `${stem}/down`),
    made('MatMul', [`${stem}/down`, b], `${stem}/up`),
    made('Mul', [`${stem}/up`, scale], `${stem}/scaled`),
    made('Add', [`${stem}/base`, `${stem}/scaled`], result),
  );
  graph.nodes.splice(graph.nodes.indexOf(node) + 1, 0, ...added);
}

/**
 * The plain graph with trained adapters added into its weights: W + (alpha / rank) A B. `adapters` holds
 * '<weight>.lora_A' and '<weight>.lora_B'; `graph` is the one that was given to `applyLora`.
 */
export function mergeLora(
  graph: Graph,
  adapters: { has(name: string): boolean; get(name: string): Tensor | undefined },
  options: LoraOptions,
): Graph {
  const copy = graph.clone();
  for (const { weight, transposed, output } of adaptedWeights(copy, options.targets)) {
    const { a, b } = loraNames(weight);
    const [down, up] = [adapters.get(a), adapters.get(b)];
    if (!down || !up)
      throw new GuardError(ErrorCode.BadInput, `${graph.source}: the adapter of '${weight}' is absent`);
    const old = copy.initializers.get(weight) as Tensor;
    const data = Float32Array.from(old.data as Float32Array);
    const [input, rank] = down.dims as [number, number];
    for (let i = 0; i < input; i++) {
      for (let j = 0; j < output; j++) {
        let sum = 0;
        for (let r = 0; r < rank; r++)
          sum += Number(down.data[i * rank + r]) * Number(up.data[r * output + j]);
        const at = transposed ? j * input + i : i * output + j;
        data[at] = (data[at] as number) + (sum * options.alpha) / options.rank;
      }
    }
    copy.initializers.set(weight, { dtype: 'float32', dims: [...old.dims], data });
  }
  return copy;
}

function adaptedWeights(graph: Graph, targets: LoraOptions['targets']): Adapted[] {
  const matches = (name: string) => (targets instanceof RegExp ? targets.test(name) : targets.includes(name));
  const found = new Map<string, Adapted>();
  for (const node of graph.nodes) {
    const weight = node.inputs[1] ?? '';
    const tensor = graph.initializers.get(weight);
    if (
      !['MatMul', 'Gemm'].includes(node.opType) ||
      node.domain ||
      tensor?.dims.length !== 2 ||
      !matches(weight)
    )
      continue;
    const transposed = node.opType === 'Gemm' && numberAttribute(node, 'transB', 0) === 1;
    const [rows, columns] = tensor.dims as [number, number];
    const entry = found.get(weight) ?? {
      weight,
      nodes: [],
      input: transposed ? columns : rows,
      output: transposed ? rows : columns,
      transposed,
    };
    entry.nodes.push(node);
    found.set(weight, entry);
  }
  if (found.size === 0) {
    const candidates = graph.nodes
      .filter((node) => node.opType === 'MatMul' && graph.initializers.has(node.inputs[1] ?? ''))
      .slice(0, 6)
      .map((node) => node.inputs[1]);
    throw new GuardError(
      ErrorCode.BadConfig,
      `${graph.source}: no weight matches the LoRA targets ${targets}; weights are named like ${candidates.join(', ')}`,
    );
  }
  return [...found.values()];
}
