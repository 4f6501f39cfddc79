import { type Node, numberAttribute } from '../onnx/graph.ts';
import type { GraphView } from './view.ts';

/** One attention of a graph, by what goes in and what comes out. */
export interface Attention {
  /** The node that weighs the values, or the fused operation. */
  node: Node;
  /** Names of what becomes queries, keys and values. */
  q: string;
  k: string;
  v: string;
  output: string;
  /** Fused operations that take queries, keys and values in one matrix: heads of queries and of keys. */
  packed?: { heads: number; kvHeads: number };
}

const FUSED = new Set(['GroupQueryAttention', 'MultiHeadAttention', 'Attention', 'PagedAttention']);

/** Operations between scores and softmax (scale, mask, cap), and between softmax and the values. */
const BESIDE_SOFTMAX = new Set([
  'Add',
  'Cast',
  'DequantizeLinear',
  'Div',
  'Dropout',
  'Expand',
  'Identity',
  'IsNaN',
  'Mul',
  'QuantizeLinear',
  'Reshape',
  'Sub',
  'Tanh',
  'Where',
]);

/** The attentions of a graph in the file's order, which is the order of the layers. */
export function attentionsOf(view: GraphView): Attention[] {
  const found = view.graph.nodes.flatMap((node) => fused(node) ?? written(view, node) ?? []);
  return found.sort((a, b) => view.position(a.node) - view.position(b.node));
}

function fused(node: Node): Attention | undefined {
  if (!FUSED.has(node.opType)) return undefined;
  // com.microsoft.Attention multiplies by its weights itself: there is no product to find.
  if (node.opType === 'Attention' && node.domain !== '') return undefined;
  const [q, k, v] = node.inputs as [string, string, string];
  const output = node.outputs[0] as string;
  if (k && v) return { node, q, k, v, output };
  const heads = numberAttribute(node, 'num_heads', 0);
  const packed = { heads, kvHeads: numberAttribute(node, 'kv_num_heads', heads) };
  return { node, q, k: q, v: q, output, packed };
}

/** Softmax between two products of values that both change from run to run. */
function written(view: GraphView, softmax: Node): Attention | undefined {
  if (softmax.opType !== 'Softmax') return undefined;
  const isProduct = (node: Node) =>
    /^(Fused|Transpose)?MatMul$/.test(node.opType) && !node.inputs.some((name) => view.isFixed(name));
  const scores = scoresBefore(view, softmax.inputs[0] as string, isProduct);
  const context = contextAfter(view, softmax.outputs[0] as string, isProduct);
  if (!scores || !context) return undefined;
  const [q, k] = scores.inputs as [string, string];
  const output = context.node.outputs[0] as string;
  return { node: context.node, q, k, v: context.values, output };
}

function scoresBefore(view: GraphView, from: string, isProduct: (node: Node) => boolean): Node | undefined {
  const queue = [from];
  const seen = new Set<string>();
  for (const value of queue) {
    const node = view.producer(value);
    if (!node || seen.has(value)) continue;
    seen.add(value);
    if (isProduct(node)) return node;
    if (BESIDE_SOFTMAX.has(node.opType)) queue.push(...node.inputs.filter(Boolean));
  }
  return undefined;
}

function contextAfter(
  view: GraphView,
  from: string,
  isProduct: (node: Node) => boolean,
): { node: Node; values: string } | undefined {
  const queue = [from];
  const seen = new Set<string>();
  for (const value of queue) {
    if (seen.has(value)) continue;
    seen.add(value);
    for (const node of view.consumers(value)) {
      if (isProduct(node)) return { node, values: node.inputs.find((name) => name !== value) as string };
      if (BESIDE_SOFTMAX.has(node.opType)) queue.push(node.outputs[0] as string);
    }
  }
  return undefined;
}
