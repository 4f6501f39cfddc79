import { type Graph, int64, listAttribute, type Node, numberAttribute, toNumbers } from '../engine/index.ts';
import { Ranks } from './ranks.ts';

const UNARY = new Set(
  'Erf Neg Cast Identity Sigmoid Tanh Relu Gelu Sqrt Reciprocal Exp Cos Sin Not'.split(' '),
);
const ELEMENTWISE = new Set('Add Sub Mul Div Pow Where And Or Min Max'.split(' '));

/** How a node's output at the last index of one axis comes from its inputs: the axis of each, or null: the whole input. */
type Axes = (number | null)[];

/**
 * A decoder that computes `logits` [batch, 1, vocabulary] at the last position alone, without a cache: whatever only
 * other positions need, in the last block and the head, is left out. Inputs that nothing reads any more are dropped.
 * Works on any decoder; how much it saves depends on how many of its operators are known here.
 */
export function lastPositionOnly(decoder: Graph): Graph {
  const graph = withoutCache(decoder);
  const pass = new Pass(graph);
  const last = pass.last('logits', 1);
  graph.nodes.push(...pass.added, {
    name: 'node/last_logits',
    opType: 'Identity',
    domain: '',
    inputs: [last],
    outputs: ['last_logits'],
    attributes: {},
  });
  graph.outputs = [{ name: 'last_logits' }];
  prune(graph);
  return graph;
}

/** A copy in which keys and values are no longer put behind cached ones. */
function withoutCache(decoder: Graph): Graph {
  const graph = decoder.clone();
  const past = new Set(
    graph.inputs.map(({ name }) => name).filter((name) => name.startsWith('past_key_values.')),
  );
  const renamed = new Map<string, string>();
  graph.nodes = graph.nodes.filter((node) => {
    node.inputs = node.inputs.map((name) => renamed.get(name) ?? name);
    const rest = node.inputs.filter((name) => !past.has(name));
    if (node.opType !== 'Concat' || node.inputs.length !== 2 || rest.length !== 1) return true;
    renamed.set(node.outputs[0] as string, rest[0] as string);
    return false;
  });
  return graph;
}

/** Leaves out the nodes, initializers and inputs that no output needs. */
function prune(graph: Graph): void {
  const wanted = new Set(graph.outputs.map(({ name }) => name));
  graph.nodes = graph.nodes
    .reverse()
    .filter((node) => {
      if (!node.outputs.some((name) => wanted.has(name))) return false;
      for (const name of node.inputs) wanted.add(name);
      return true;
    })
    .reverse();
  graph.inputs = graph.inputs.filter(({ name }) => wanted.has(name));
  graph.initializers = new Map([...graph.initializers].filter(([name]) => wanted.has(name)));
}

class Pass {
  readonly added: Node[] = [];
  private readonly graph: Graph;
  private readonly producers: Map<string, Node>;
  private readonly ranks: Ranks;
  /** Values that are needed at every position anyway: they are cut after they are computed. */
  private readonly whole = new Set<string>();
  private readonly done = new Map<string, string>();

  constructor(graph: Graph) {
    this.graph = graph;
    this.producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
    this.ranks = new Ranks(graph, this.producers);
    this.findWhole('logits', 1, new Set());
  }

  /** The name of `value` cut to the last index of `axis`. */
  last(value: string, axis: number): string {
    const key = `${value} last ${axis}`;
    const found = this.done.get(key);
    if (found) return found;
    const node = this.producers.get(value);
    const axes = node && !this.whole.has(value) ? this.inputAxes(node, axis) : null;
    if (!node || !axes) return this.slice(value, axis, key);
    const suffix = ` last ${axis}`;
    const inputs = node.inputs.map((name, i) => {
      const at = axes[i];
      return at === null || at === undefined ? name : this.last(name, at);
    });
    const outputs = node.outputs.map((name) => (name ? `${name}${suffix}` : ''));
    for (const name of node.outputs) this.done.set(`${name}${suffix}`, `${name}${suffix}`);
    this.added.push({ ...node, name: `${node.name}${suffix}`, inputs, outputs });
    return key;
  }

  private slice(value: string, axis: number, key: string): string {
    const constant = (numbers: number[]) => {
      const name = `slice ${numbers}`;
      this.graph.initializers.set(name, int64([numbers.length], numbers));
      return name;
    };
    const inputs = [value, constant([-1]), constant([Number.MAX_SAFE_INTEGER]), constant([axis])];
    this.added.push({
      name: `node/${key}`,
      opType: 'Slice',
      domain: '',
      inputs,
      outputs: [key],
      attributes: {},
    });
    this.done.set(key, key);
    return key;
  }

  private findWhole(value: string, axis: number, seen: Set<string>): void {
    const node = this.producers.get(value);
    const key = `${value} ${axis}`;
    if (seen.has(key)) return;
    seen.add(key);
    const axes = node && this.inputAxes(node, axis);
    if (!node || !axes) {
      this.markWhole(value);
      return;
    }
    for (const [i, name] of node.inputs.entries()) {
      const at = axes[i];
      if (at === null || at === undefined) this.markWhole(name);
      else this.findWhole(name, at, seen);
    }
  }

  private markWhole(value: string): void {
    const open = [value];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (this.whole.has(name)) continue;
      this.whole.add(name);
      open.push(...(this.producers.get(name)?.inputs ?? []));
    }
  }

  /** Null where the node is not known to pass a cut of its output's `axis` on to its inputs. */
  private inputAxes(node: Node, axis: number): Axes | null {
    const rank = this.ranks.of(node.outputs.find(Boolean) ?? '');
    const inputRanks = node.inputs.map((name) => this.ranks.of(name));
    if (node.domain !== '' || rank === undefined || inputRanks.some((r) => r === undefined)) return null;
    const own = (attribute: string, absent: number) =>
      (numberAttribute(node, attribute, absent) + rank) % rank;
    if (UNARY.has(node.opType)) return [axis];
    if (ELEMENTWISE.has(node.opType))
      return node.inputs.map((name, i) => this.broadcast(name, axis - rank + inputRanks[i]!));
    switch (node.opType) {
      case 'LayerNormalization':
        return axis < own('axis', -1) ? node.inputs.map((_, i) => (i === 0 ? axis : null)) : null;
      case 'Softmax':
        return axis !== own('axis', -1) ? [axis] : null;
      case 'Concat':
        return axis !== own('axis', 0) ? node.inputs.map(() => axis) : null;
      case 'Split':
        return axis !== own('axis', 0) ? [axis, ...node.inputs.slice(1).map(() => null)] : null;
      case 'MatMul':
        return axis === rank - 2 && inputRanks[0]! >= 2 ? [inputRanks[0]! - 2, null] : null;
      case 'Transpose':
        return [listAttribute(node, 'perm')?.[axis] ?? null];
      case 'Reshape':
        return this.keptByReshape(node, axis) && axis < inputRanks[0]! ? [axis, null] : null;
      default:
        return null;
    }
  }

  /** An operand of an elementwise operator: null where it lacks the axis or is of length 1 there. */
  private broadcast(name: string, axis: number): number | null {
    if (axis < 0) return null;
    return this.graph.initializers.get(name)?.dims[axis] === 1 ? null : axis;
  }

  /** 0 in a Reshape's shape copies the input's dimension at the same place. */
  private keptByReshape(node: Node, axis: number): boolean {
    const shape = this.graph.initializers.get(node.inputs[1] ?? '');
    return !!shape && numberAttribute(node, 'allowzero', 0) === 0 && toNumbers(shape)[axis] === 0;
  }
}
