import { Random } from '../../random/index.ts';
import { attribute, type Graph, type Node } from '../onnx/graph.ts';
import { type DType, dtypeCode, float32, type Tensor } from '../onnx/tensor.ts';
import type { TensorSource } from '../program.ts';
import { activationType, columnsOf, type LinearModule } from './module.ts';

export interface LoraOptions {
  rank: number;
  /** The adapter's part of the output is scaled by alpha / rank, or alpha / sqrt(rank) where `rankStabilised`. */
  alpha: number;
  /** Share of the adapters' input that is dropped in training; the masks are inputs of the graph. */
  dropout?: number;
  rankStabilised?: boolean;
  seed: number;
}

export function loraNames(path: string): { a: string; b: string } {
  return { a: `${path}.lora_A`, b: `${path}.lora_B` };
}

/** Name of the input that takes a module's dropout mask, float32 [rows, length, in]: 0, or 1 / (1 - dropout). */
export function dropoutInput(path: string): string {
  return `${path}.lora_dropout`;
}

export function loraScale({ rank, alpha, rankStabilised = false }: LoraOptions): number {
  return alpha / (rankStabilised ? Math.sqrt(rank) : rank);
}

/** New adapters: A [in, rank] uniform in +-1/sqrt(in) from the seed, B [rank, out] zero. Changes nothing at the start. */
export function newAdapters(
  modules: readonly LinearModule[],
  { rank, seed }: LoraOptions,
): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const module of modules) {
    const { path, inFeatures } = module;
    const { out } = columnsOf(module);
    const random = new Random(seed, 'lora', `${path}.weight`);
    const bound = 1 / Math.sqrt(inFeatures);
    const start = Array.from({ length: inFeatures * rank }, () => (2 * random.uniform() - 1) * bound);
    const { a, b } = loraNames(path);
    tensors.set(a, float32([inFeatures, rank], start));
    tensors.set(b, { dtype: 'float32', dims: [rank, out], data: new Float32Array(rank * out) });
  }
  return tensors;
}

/**
 * Low-rank adaptation (Hu et al., arXiv 2106.09685): a copy of the graph in which the output x W of each module becomes
 * x W + scale (x A) B, in float32 whatever the base is. The adapters are initializers named by `loraNames`; a base that is
 * quantised or in float16 stays as it is.
 */
export function applyLora(
  graph: Graph,
  modules: readonly LinearModule[],
  adapters: TensorSource,
  options: LoraOptions,
): Graph {
  const copy = graph.clone();
  const scale = '/lora/scale';
  copy.initializers.set(scale, float32([], [loraScale(options)]));
  for (const module of modules) {
    const names = loraNames(module.path);
    for (const name of Object.values(names)) copy.initializers.set(name, adapters.get(name) as Tensor);
    new Insertion(copy, module, activationType(graph, module)).run(scale, options.dropout ?? 0);
  }
  return copy;
}

/** Puts one module's adapter behind its product. */
class Insertion {
  private readonly graph: Graph;
  private readonly module: LinearModule;
  /** Of what goes in and out. */
  private readonly dtype: DType;
  private readonly stem: string;
  private readonly added: Node[] = [];

  constructor(graph: Graph, module: LinearModule, dtype: DType) {
    this.graph = graph;
    this.module = module;
    this.dtype = dtype;
    this.stem = `/lora/${module.path}`;
  }

  run(scale: string, dropout: number): void {
    const { dtype, graph, module } = this;
    const { input, output, path } = module;
    const half = dtype !== 'float32';
    const { a, b } = loraNames(path);
    const at = graph.nodes.findIndex((node) => node.outputs.includes(output));
    const maker = graph.nodes[at] as Node;
    const base = `${this.stem}/base`;
    maker.outputs = maker.outputs.map((name) => (name === output ? base : name));
    let x = half ? this.add('Cast', [input], 'x', { to: dtypeCode('float32') }) : input;
    if (dropout > 0) x = this.dropped(x);
    const down = this.add('MatMul', [x, a], 'down');
    const up = this.add('MatMul', [down, this.columns(b)], 'up');
    const scaled = this.add('Mul', [up, scale], 'scaled');
    const delta = half ? this.add('Cast', [scaled], 'delta', { to: dtypeCode(dtype) }) : scaled;
    this.added.push(this.node('Add', [base, delta], output));
    graph.nodes.splice(at + 1, 0, ...this.added);
  }

  /** x times the mask, whose shape is x's or that of x before its first axes were put together. */
  private dropped(x: string): string {
    const name = dropoutInput(this.module.path);
    this.graph.inputs.push({ name, dtype: 'float32', dims: ['rows', 'length', this.module.inFeatures] });
    const shape = this.add('Shape', [x], 'shape');
    const mask = this.add('Reshape', [name, shape], 'mask');
    return this.add('Mul', [x, mask], 'dropped');
  }

  /** B with zeros at the columns of other modules. */
  private columns(b: string): string {
    const { start, out } = columnsOf(this.module);
    const rank = (this.graph.initializers.get(b) as Tensor).dims[0] as number;
    const zeros = (count: number, side: string) => {
      const name = `${this.stem}/${side}`;
      if (count > 0) {
        const data = new Float32Array(rank * count);
        this.graph.initializers.set(name, { dtype: 'float32', dims: [rank, count], data });
      }
      return count > 0 ? [name] : [];
    };
    const parts = [...zeros(start, 'before'), b, ...zeros(this.module.outFeatures - start - out, 'after')];
    return parts.length === 1 ? b : this.add('Concat', parts, 'columns', { axis: 1 });
  }

  private add(opType: string, inputs: string[], output: string, attributes = {}): string {
    const node = this.node(opType, inputs, `${this.stem}/${output}`, attributes);
    this.added.push(node);
    return node.outputs[0] as string;
  }

  private node(
    opType: string,
    inputs: string[],
    output: string,
    attributes: Record<string, number> = {},
  ): Node {
    const named = Object.entries(attributes).map(([key, value]) => [key, attribute(key, value)] as const);
    return {
      name: `${this.stem}/${opType}_${output.split('/').at(-1)}`,
      opType,
      domain: '',
      inputs,
      outputs: [output],
      attributes: Object.fromEntries(named),
    };
  }
}
