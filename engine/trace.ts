import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { Graph, type Node } from './onnx/graph.ts';
import type { Tensor } from './onnx/tensor.ts';
import { fromOrt, openSession, toOrt } from './session.ts';

/** What one run of a graph showed: every value's element type and shape, and the values that no data reaches. */
export interface Trace {
  /** Nodes that the targets need, in the file's order. */
  nodes: Node[];
  /** Type and shape of each value; `tensor` where it is the same at each run with these shapes. */
  values: Map<string, { dtype: Tensor['dtype']; dims: number[]; tensor?: Tensor }>;
}

/** Their output depends on the shape of what they read alone, which is fixed. */
const SHAPE_READERS = new Set(['Shape', 'Size']);
/** Their output differs from run to run whatever they read. */
const RANDOM = new Set([
  'RandomNormal',
  'RandomUniform',
  'RandomNormalLike',
  'RandomUniformLike',
  'Bernoulli',
  'Multinomial',
]);

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
 * Runs the forward graph once on `feeds` with every intermediate as an output. ONNX Runtime so tells the type and
 * shape of each value and the result of all shape arithmetic. `variable` names initializers that will be fed later.
 * Throws GuardError BAD_MODEL or BAD_INPUT, naming the graph and the input or node.
 */
export async function trace(
  graph: Graph,
  feeds: Record<string, Tensor>,
  variable: ReadonlySet<string>,
  targets: readonly string[],
  threads?: number,
): Promise<Trace> {
  const nodes = neededNodes(graph, targets);
  checkNodes(graph, nodes, targets);
  const inputs = inputsRead(graph, nodes, feeds, targets);
  const probe = new Graph(graph.source);
  Object.assign(probe, { irVersion: graph.irVersion, opsets: graph.opsets, functions: graph.functions });
  probe.inputs = inputs.map((name) => ({ name, dtype: feeds[name]!.dtype, dims: feeds[name]!.dims }));
  probe.nodes = nodes;
  const read = new Set(nodes.flatMap((node) => node.inputs));
  for (const [name, tensor] of graph.initializers) if (read.has(name)) probe.initializers.set(name, tensor);
  probe.outputs = nodes.flatMap((node) => node.outputs.filter(Boolean).map((name) => ({ name })));

  const values: Trace['values'] = new Map();
  for (const name of inputs) values.set(name, { dtype: feeds[name]!.dtype, dims: feeds[name]!.dims });
  for (const [name, tensor] of graph.initializers) {
    values.set(name, { dtype: tensor.dtype, dims: tensor.dims, ...(variable.has(name) ? {} : { tensor }) });
  }
  if (nodes.length === 0) return { nodes, values };
  const session = await openSession(probe, { threads });
  try {
    const fed = Object.fromEntries(inputs.map((name) => [name, toOrt(feeds[name] as Tensor)]));
    const results = await session.run(fed).catch((cause: Error) => {
      throw new GuardError(
        ErrorCode.BadModel,
        `${graph.source}: does not run on the given inputs: ${cause.message}`,
        {
          cause,
        },
      );
    });
    for (const node of nodes) record(node, results, values);
  } finally {
    await session.release();
  }
  return { nodes, values };
}

function record(
  node: Node,
  results: Record<string, Parameters<typeof fromOrt>[0]>,
  values: Trace['values'],
): void {
  const fixed =
    SHAPE_READERS.has(node.opType) ||
    (!RANDOM.has(node.opType) && node.inputs.every((name) => !name || values.get(name)?.tensor));
  for (const name of node.outputs.filter(Boolean)) {
    const tensor = fromOrt(results[name] as Parameters<typeof fromOrt>[0]);
    const empty = tensor.dims.includes(0);
    values.set(name, { dtype: tensor.dtype, dims: tensor.dims, ...(fixed || empty ? { tensor } : {}) });
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
    if (Object.values(node.attributes).some((value) => value.type === 'graph')) {
      throw new GuardError(
        ErrorCode.BadModel,
        `${graph.source}: node '${node.name}' (${node.opType}) holds a subgraph, which cannot be differentiated; export without control flow`,
      );
    }
  }
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
