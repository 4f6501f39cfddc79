import type { Graph, Node } from './onnx/graph.ts';

/** Operations that read a weight of their own; tables and caches are read by others, and stay shared. */
const WEIGHT_READERS = new Set([
  'Add',
  'Conv',
  'Gemm',
  'LayerNormalization',
  'MatMul',
  'Mul',
  'RMSNormalization',
  'SimplifiedLayerNormalization',
  'SkipLayerNormalization',
  'SkipSimplifiedLayerNormalization',
]);

/**
 * A copy of the graph in which each place that reads a weight has an initializer of its own. Exporters store equal
 * initializers once (norms and biases that only start out equal): trained as they are, they would stay equal. A weight
 * behind an Identity gets the Identity's name, which is the one that it had in the architecture; a further node that reads
 * the weight itself gets '<weight>@<node>'. Tensors are shared until they are trained. A head that is also the table of
 * token embeddings keeps being one with it, and so do the weights named in `keep`: what the architecture ties.
 */
export function untie(graph: Graph, keep: readonly string[] = []): Graph {
  const copy = graph.clone();
  const kept = new Set([...keep, ...graph.outputs.map((output) => output.name)]);
  copy.nodes = copy.nodes.filter((node) => !becomesInitializer(copy, node, kept));
  const readers = new Map<string, Node>();
  for (const node of copy.nodes) {
    if (!WEIGHT_READERS.has(node.opType)) continue;
    const own = new Set(node.inputs.filter((name) => isWeight(copy, name) && !kept.has(name)));
    for (const name of own) {
      if (!readers.has(name)) readers.set(name, node);
      else node.inputs = node.inputs.map((input) => (input === name ? anotherName(copy, name, node) : input));
    }
  }
  return copy;
}

/** An Identity over a weight gives way to an initializer of its output's name. */
function becomesInitializer(
  graph: Graph,
  { opType, inputs, outputs }: Node,
  kept: ReadonlySet<string>,
): boolean {
  const [from, to] = [inputs[0] as string, outputs[0] as string];
  if (opType !== 'Identity' || !isWeight(graph, from) || kept.has(from) || kept.has(to)) return false;
  share(graph, from, to);
  return true;
}

function anotherName(graph: Graph, weight: string, node: Node): string {
  const name = `${weight}@${node.name}`;
  share(graph, weight, name);
  return name;
}

function share(graph: Graph, from: string, to: string): void {
  graph.initializers.set(to, { ...graph.initializers.get(from)! });
  const file = graph.external.get(from);
  if (file) graph.external.set(to, file);
}

/** A float tensor of more than one element. */
function isWeight(graph: Graph, name: string): boolean {
  const tensor = graph.initializers.get(name);
  return tensor !== undefined && /float/.test(tensor.dtype) && tensor.data.length > 1;
}
