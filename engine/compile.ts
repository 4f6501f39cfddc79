import type { InferenceSession } from 'onnxruntime-common';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { differentiate } from './differentiate.ts';
import { specialise } from './ir/lower.ts';
import { serialise } from './ir/serialise.ts';
import { sizeOf } from './ir/shapes.ts';
import type { TypedValue } from './ir/value.ts';
import { LossBuilder } from './losses.ts';
import { graphInFloat32 } from './lowering/half.ts';
import type { Graph } from './onnx/graph.ts';
import type { Tensor } from './onnx/tensor.ts';
import { optimiseForward, optimiseWhole } from './passes/optimise.ts';
import { lowerFor } from './passes/provider.ts';
import { Program } from './program.ts';
import { openSession, type SessionOptions } from './session.ts';
import { trace } from './trace.ts';

export interface CompileOptions extends Omit<SessionOptions, 'optimization'> {
  graph: Graph;
  /** One example of everything that is fed (parameters excepted): the program takes these shapes. */
  feeds: Record<string, Tensor>;
  /** Builds the scalar loss; without it the program only runs forward. */
  loss?: (b: LossBuilder) => TypedValue;
  /** Graph inputs, further feeds and float32 initializers whose gradients are wanted. */
  wrt?: readonly string[];
  /** Values of the graph to give back beside the loss. */
  outputs?: readonly string[];
  /**
   * Initializers that are fed at each run though no gradient is wanted; 'large' takes every float32 initializer of
   * 1 kB and more, so that programs of several shapes share the memory of their weights.
   */
  fed?: readonly string[] | 'large';
}

/** The values that a program computes. */
export async function compileValues(options: CompileOptions): Promise<Map<string, TypedValue>> {
  const { feeds, wrt = [], outputs = [] } = options;
  const graph = graphInFloat32(options.graph);
  const variable = fedInitializers(graph, wrt, options.fed ?? []);
  const targets = [
    ...new Set([...outputs, ...(options.loss ? graph.outputs.map((output) => output.name) : [])]),
  ];
  const readable = options.loss ? readableOutputs(graph, feeds, targets) : targets;
  const traced = await trace(graph, feeds, variable, readable, options.threads);
  const specialised = specialise(graph, traced, variable, feeds);
  const { emitter, values } = specialised;
  const wanted = new Map<string, TypedValue>();
  let builder: LossBuilder | undefined;
  if (options.loss) {
    builder = new LossBuilder(emitter, values, graph.source);
    const loss = options.loss(builder);
    if (sizeOf(loss.dims) !== 1) {
      throw new GuardError(
        ErrorCode.BadInput,
        `${graph.source}: the loss must be one number, its shape is [${loss.dims}]`,
      );
    }
    wanted.set('loss', emitter.reshape(loss, []));
    for (const [name, part] of builder.parts) wanted.set(`loss.${name}`, emitter.reshape(part, []));
    for (const [name, value] of builder.outputs) wanted.set(name, value);
  }
  for (const name of outputs) wanted.set(name, valueNamed(values, name, graph));
  const sources = wrt.map((name) => valueNamed(values, name, graph));
  const forward = optimiseForward(emitter, wanted, sources);
  if (options.loss) addGradients(emitter, forward, sources, wrt, graph);
  const opset = options.graph.opsets.get('') ?? 0;
  return lowerFor(options.device ?? 'cpu', emitter, optimiseWhole(emitter, forward), opset);
}

/** The graph of a program, before a session is opened on it. */
export async function compileGraph(options: CompileOptions): Promise<Graph> {
  const { source, irVersion, opsets } = options.graph;
  return serialise(await compileValues(options), { source, irVersion, opsets });
}

/** Compiles a graph, a loss and its gradients for the shapes of `feeds`. Throws GuardError BAD_MODEL or BAD_INPUT. */
export async function compile(options: CompileOptions): Promise<Program> {
  const compiled = await compileGraph(options);
  const session: InferenceSession = await openSession(compiled, options);
  return new Program(session, compiled);
}

function addGradients(
  emitter: Parameters<typeof differentiate>[0],
  forward: Map<string, TypedValue>,
  sources: readonly TypedValue[],
  wrt: readonly string[],
  graph: Graph,
): void {
  const gradients = differentiate(emitter, forward.get('loss') as TypedValue, sources, graph.source);
  wrt.forEach((name, i) => {
    const gradient = gradients[i];
    if (!gradient) {
      throw new GuardError(ErrorCode.BadModel, `${graph.source}: the loss does not depend on '${name}'`);
    }
    forward.set(`grad.${name}`, gradient);
  });
}

function valueNamed(values: ReadonlyMap<string, TypedValue>, name: string, graph: Graph): TypedValue {
  const value = values.get(name);
  if (!value) throw new GuardError(ErrorCode.BadModel, `${graph.source}: has no value named '${name}'`);
  return value;
}

/** Graph outputs that need no input beyond the feeds: a loss may read any of them. */
function readableOutputs(graph: Graph, feeds: Record<string, Tensor>, targets: readonly string[]): string[] {
  const given = new Set([...Object.keys(feeds), ...graph.initializers.keys(), '']);
  for (const node of graph.nodes) {
    if (node.inputs.every((name) => given.has(name))) for (const name of node.outputs) given.add(name);
  }
  const readable = targets.filter((name) => given.has(name));
  return readable.length > 0 ? readable : [...targets];
}

/**
 * Float32 initializers of 1 kB and more: what programs of several shapes can share. Scales of packed weights are not
 * among them: where they are fed, ONNX Runtime's MatMulNBits of accuracy level 4 answers zeros without a word.
 */
export function largeWeights(graph: Graph): string[] {
  const packed = new Set(
    graph.nodes.filter(({ opType }) => opType === 'MatMulNBits').flatMap(({ inputs }) => inputs.slice(1)),
  );
  return [...graph.initializers]
    .filter(([name, t]) => t.dtype === 'float32' && t.data.byteLength >= 1024 && !packed.has(name))
    .map(([name]) => name);
}

function fedInitializers(
  graph: Graph,
  wrt: readonly string[],
  fed: readonly string[] | 'large',
): ReadonlySet<string> {
  const chosen = fed === 'large' ? largeWeights(graph) : fed;
  return new Set([...wrt, ...chosen].filter((name) => graph.initializers.has(name)));
}
