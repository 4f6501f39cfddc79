import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { inFloat32 } from './lowering/half.ts';
import type { Graph, Node } from './onnx/graph.ts';
import type { Tensor } from './onnx/tensor.ts';
import { Probe } from './probe.ts';
import { GraphRefused } from './refused.ts';

/** A graph on given feeds: every value's element type and shape, and the values that no data reaches. */
export interface Trace {
  /** Nodes that the targets need, in the file's order. */
  nodes: Node[];
  /** Type and shape of each value; `tensor` where it is the same at each run with these shapes. */
  values: Map<string, { dtype: Tensor['dtype']; dims: number[]; tensor?: Tensor }>;
}

const UNROLLED = 'export the model with the loop unrolled, or written as products over whole sequences';
const ELSEWISE = 'export the model without it';
/** Control flow by operation, and what to do about it. */
const REFUSED: Readonly<Record<string, string>> = {
  If: 'export one branch alone, for instance a decoder without a switch between the branches with and without past keys and values',
  Loop: UNROLLED,
  Scan: UNROLLED,
  SequenceMap: UNROLLED,
};

/** Nodes that `targets` need, in the file's order. */
export function neededNodes(graph: Graph, targets: Iterable<string>): Node[] {
  const wanted = new Set(targets);
  const kept: Node[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i] as Node;
    if (!node.outputs.some((name) => name && wanted.has(name))) continue;
    kept.push(node);
    for (const name of node.inputs) if (name) wanted.add(name);
  }
  return kept.reverse();
}

/**
 * Type and shape of every value for these feeds, and the result of all arithmetic on shapes and constants. ONNX Runtime
 * infers the shapes and computes what no data reaches; the model itself runs only where a shape depends on data. So
 * neither weights nor activations are held twice. `variable` names initializers that will be fed later.
 * Throws GuardError BAD_MODEL or BAD_INPUT, naming the graph and the input or node.
 */
export async function trace(
  graph: Graph,
  given: Record<string, Tensor>,
  variable: ReadonlySet<string>,
  targets: readonly string[],
  threads?: number,
): Promise<Trace> {
  const feeds = Object.fromEntries(Object.entries(given).map(([name, t]) => [name, inFloat32(t)]));
  const nodes = neededNodes(graph, targets);
  checkNodes(graph, nodes, targets);
  const inputs = inputsRead(graph, nodes, feeds, targets);
  const values: Trace['values'] = new Map();
  for (const name of inputs) values.set(name, { dtype: feeds[name]!.dtype, dims: feeds[name]!.dims });
  for (const [name, tensor] of graph.initializers) {
    values.set(name, { dtype: tensor.dtype, dims: tensor.dims, ...(variable.has(name) ? {} : { tensor }) });
  }
  const probe = new Probe(graph, values);
  for (;;) {
    while (await probe.compute(nodes));
    const open = nodes.filter((node) => node.outputs.some((name) => name && !values.has(name)));
    if (open.length === 0) return { nodes, values };
    if (!(await probe.infer(open))) await probe.run(nodes, open, feeds, threads);
  }
}

function checkNodes(graph: Graph, nodes: readonly Node[], targets: readonly string[]): void {
  const opset = graph.opsets.get('') ?? 0;
  if (opset < 13) {
    throw new GuardError(
      ErrorCode.BadModel,
      `${graph.source}: uses opset ${opset}; opset 13 or later is needed, export the model again`,
    );
  }
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const given = new Set([...graph.inputs.map((input) => input.name), ...graph.initializers.keys()]);
  for (const name of targets) {
    if (!made.has(name) && !given.has(name)) {
      throw new GuardError(ErrorCode.BadModel, `${graph.source}: has no value named '${name}'`);
    }
  }
  for (const node of nodes) {
    const advice = REFUSED[node.opType] ?? (holdsSubgraph(node) ? ELSEWISE : undefined);
    if (!advice) continue;
    const domain = node.domain || 'ai.onnx';
    throw new GraphRefused(
      `${graph.source}: node '${node.name}' (${node.opType}, domain '${domain}') is control flow, which the engine does not run; ${advice}`,
    );
  }
}

function holdsSubgraph(node: Node): boolean {
  return Object.values(node.attributes).some((value) => value.type === 'graph');
}

function inputsRead(
  graph: Graph,
  nodes: readonly Node[],
  feeds: Record<string, Tensor>,
  targets: readonly string[],
): string[] {
  const read = new Set([...nodes.flatMap((node) => node.inputs), ...targets]);
  const names = graph.inputs.map((input) => input.name).filter((name) => read.has(name));
  for (const name of names) {
    if (!feeds[name]) {
      const known = graph.inputs.map((input) => input.name).join(', ');
      throw new GuardError(
        ErrorCode.BadInput,
        `${graph.source}: input '${name}' is not among the feeds; the graph's inputs are ${known}`,
      );
    }
  }
  return names;
}
