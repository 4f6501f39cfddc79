import { type Graph, listAttribute, type Node, numberAttribute, toNumbers } from '../engine/index.ts';

const SAME_AS_FIRST = new Set(
  'Softmax LayerNormalization Concat Split Slice Cast Erf Neg Cos Sin Identity Sigmoid Tanh Relu Gelu Sqrt Reciprocal Exp Not'.split(
    ' ',
  ),
);
const WIDEST = new Set(
  'Add Sub Mul Div Pow Where And Or Equal Less LessOrEqual Greater GreaterOrEqual MatMul Min Max'.split(' '),
);

/** Tells how many dimensions the graph's values have, as far as the operators' definitions say it. */
export class Ranks {
  private readonly graph: Graph;
  private readonly producers: ReadonlyMap<string, Node>;
  private readonly known = new Map<string, number | undefined>();

  constructor(graph: Graph, producers: ReadonlyMap<string, Node>) {
    this.graph = graph;
    this.producers = producers;
    for (const { name, dims } of graph.inputs) this.known.set(name, dims?.length);
    for (const [name, tensor] of graph.initializers) this.known.set(name, tensor.dims.length);
  }

  of(name: string): number | undefined {
    if (!this.known.has(name)) {
      const node = this.producers.get(name);
      this.known.set(name, node && this.result(node));
    }
    return this.known.get(name);
  }

  private result(node: Node): number | undefined {
    const first = this.of(node.inputs[0] ?? '');
    if (SAME_AS_FIRST.has(node.opType)) return first;
    if (WIDEST.has(node.opType)) {
      const all = node.inputs.map((name) => this.of(name));
      return all.some((rank) => rank === undefined) ? undefined : Math.max(...(all as number[]));
    }
    switch (node.opType) {
      case 'Transpose':
        return listAttribute(node, 'perm')?.length;
      case 'Shape':
      case 'Range':
        return 1;
      case 'Reshape':
      case 'Expand': {
        const shape = this.graph.initializers.get(node.inputs[1] ?? '');
        return shape?.dims[0];
      }
      case 'Unsqueeze': {
        const axes = this.graph.initializers.get(node.inputs[1] ?? '');
        return first === undefined || !axes ? undefined : first + toNumbers(axes).length;
      }
      case 'Gather': {
        const index = this.of(node.inputs[1] ?? '');
        return first === undefined || index === undefined ? undefined : first - 1 + index;
      }
      case 'ReduceMean':
      case 'ReduceSum':
        return numberAttribute(node, 'keepdims', 1) === 1 ? first : undefined;
      default:
        return undefined;
    }
  }
}
