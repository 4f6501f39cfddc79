import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-common';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { Graph, type Node, numberAttribute } from './onnx/graph.ts';
import { type DType, elementCount, int64, newData, type Tensor } from './onnx/tensor.ts';
import { fromOrt, openSession, toOrt } from './session.ts';
import type { Trace } from './trace.ts';

/** Their output depends on the shape of what they read alone. */
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

/** Weights of this many bytes and more are inputs of a probe, which costs no copy. */
const LARGE = 1024;

/** Asks ONNX Runtime about parts of a graph, and adds what it learns to `values`. */
export class Probe {
  private readonly graph: Graph;
  private readonly values: Trace['values'];

  constructor(graph: Graph, values: Trace['values']) {
    this.graph = graph;
    this.values = values;
  }

  /** Computes what depends on known shapes and constants alone. True where something new is known. */
  async compute(nodes: readonly Node[]): Promise<boolean> {
    const ready: Node[] = [];
    const found = new Set<string>();
    let news = false;
    for (const node of nodes) {
      const names = node.outputs.filter(Boolean);
      if (names.every((name) => this.values.get(name)?.tensor)) continue;
      if (SHAPE_READERS.has(node.opType)) {
        const read = this.values.get(node.inputs[0] as string);
        if (read) this.setTensor(names[0] as string, shapeRead(node, read.dims));
        news ||= read !== undefined;
      } else if (
        !RANDOM.has(node.opType) &&
        node.inputs.every((name) => !name || this.isGiven(name, found))
      ) {
        ready.push(node);
        for (const name of names) found.add(name);
      }
    }
    if (ready.length === 0) return news;
    const { session, feeds } = await this.open(ready, [...found]);
    const results = await this.runSession(session, feeds);
    for (const name of found) this.setTensor(name, fromOrt(results[name] as OrtTensor));
    return true;
  }

  private isGiven(name: string, found: ReadonlySet<string>): boolean {
    return found.has(name) || this.values.get(name)?.tensor !== undefined;
  }

  /** Infers types and shapes of what `nodes` make, without a run. True where something new is known. */
  async infer(nodes: readonly Node[]): Promise<boolean> {
    const names = nodes.flatMap((node) => node.outputs.filter((name) => name && !this.values.has(name)));
    const shapes = await this.inferred(nodes, names);
    const scalars = names.filter((name) => shapes.get(name)?.dims.length === 0);
    // ONNX Runtime tells an unknown shape like that of a scalar; the shape of the shape tells them apart.
    const ranks =
      scalars.length > 0
        ? await this.inferred(
            [...nodes, ...scalars.map(shapeOf)],
            scalars.map((name) => shapeOf(name).outputs[0] as string),
          )
        : new Map();
    for (const [name, { dtype, dims }] of shapes) {
      if (dims.length === 0 && ranks.get(shapeOf(name).outputs[0] as string)?.dims[0] !== 0) continue;
      // Without elements there is nothing that data could change.
      const tensor = dims.includes(0) ? { dtype, dims, data: newData(dtype, 0) } : undefined;
      this.values.set(name, { dtype, dims, ...(tensor ? { tensor } : {}) });
    }
    return names.some((name) => this.values.has(name));
  }

  /** Fixed shapes of the named values, as far as they can be inferred. */
  private async inferred(
    nodes: readonly Node[],
    names: readonly string[],
  ): Promise<Map<string, { dtype: DType; dims: number[] }>> {
    const result = new Map<string, { dtype: DType; dims: number[] }>();
    const opened = await this.open(nodes, names).catch(() => undefined);
    for (const info of opened?.session.outputMetadata ?? []) {
      if (!info.isTensor || info.shape.some((dim) => typeof dim !== 'number')) continue;
      result.set(info.name, { dtype: info.type as DType, dims: info.shape as number[] });
    }
    await opened?.session.release();
    return result;
  }

  /** Runs the model, for the types and shapes of what `open` makes: they depend on data. */
  async run(
    nodes: readonly Node[],
    open: readonly Node[],
    feeds: Record<string, Tensor>,
    threads: number | undefined,
  ): Promise<void> {
    const names = open.flatMap((node) => node.outputs.filter((name) => name && !this.values.has(name)));
    const known = this.values;
    const whole = new Probe(
      this.graph,
      new Map([...known].filter(([name]) => feeds[name] || this.graph.initializers.has(name))),
    );
    const opened = await whole.open(nodes, names, threads);
    for (const name of opened.session.inputNames) {
      if (feeds[name]) opened.feeds[name] = toOrt(feeds[name]);
    }
    const results = await this.runSession(opened.session, opened.feeds);
    for (const name of names) {
      const { dtype, dims, data } = fromOrt(results[name] as OrtTensor);
      known.set(name, { dtype, dims, ...(data.length === 0 ? { tensor: { dtype, dims, data } } : {}) });
    }
  }

  private setTensor(name: string, tensor: Tensor): void {
    this.values.set(name, { dtype: tensor.dtype, dims: tensor.dims, tensor });
  }

  /** A session on some nodes; what they read is an input where it is large or not a constant. `feeds` holds the constants among them. */
  private async open(
    nodes: readonly Node[],
    outputs: readonly string[],
    threads = 1,
  ): Promise<{ session: InferenceSession; feeds: Record<string, OrtTensor> }> {
    const part = new Graph(this.graph.source);
    const { irVersion, opsets, functions } = this.graph;
    Object.assign(part, { irVersion, opsets, functions });
    part.nodes = [...nodes];
    part.outputs = outputs.map((name) => ({ name }));
    const made = new Set(nodes.flatMap((node) => node.outputs));
    const feeds: Record<string, OrtTensor> = {};
    for (const name of new Set(nodes.flatMap((node) => node.inputs))) {
      const value = this.values.get(name);
      if (!value || made.has(name)) continue;
      const tensor = value.tensor ?? this.graph.initializers.get(name);
      if (tensor && (tensor.data.byteLength < LARGE || tensor.dtype !== 'float32')) {
        part.initializers.set(name, tensor);
        continue;
      }
      part.inputs.push({ name, dtype: value.dtype, dims: value.dims });
      if (tensor) feeds[name] = toOrt(tensor);
    }
    return { session: await openSession(part, { threads, arena: false }), feeds };
  }

  private async runSession(
    session: InferenceSession,
    feeds: Record<string, OrtTensor>,
  ): Promise<Record<string, OrtTensor>> {
    try {
      return await session.run(feeds);
    } catch (cause) {
      throw new GuardError(
        ErrorCode.BadModel,
        `${this.graph.source}: does not run on the given inputs: ${(cause as Error).message}`,
        { cause },
      );
    } finally {
      await session.release();
    }
  }
}

function shapeOf(name: string): Node {
  const outputs = [`${name} shape`];
  return { name: `node/${name} shape`, opType: 'Shape', domain: '', inputs: [name], outputs, attributes: {} };
}

/** What a Shape or Size node gives. */
function shapeRead(node: Node, dims: readonly number[]): Tensor {
  if (node.opType === 'Size') return int64([], [elementCount(dims)]);
  const part = dims.slice(numberAttribute(node, 'start', 0), numberAttribute(node, 'end', dims.length));
  return int64([part.length], part);
}
