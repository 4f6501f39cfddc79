import type { Graph, Node } from '../onnx/graph.ts';
import { type Attention, attentionsOf } from './attention.ts';
import { type Linear, linearOf, type Norm, normOf, type Place } from './parts.ts';
import { GraphView } from './view.ts';

/**
 * A module of the architecture that a decoder was exported from, found by its place in the graph: exporters rename and
 * transpose weights, merge equal ones and fuse operations, but the structure stays.
 */
export interface Module {
  /** Such as 'model.layers.0.self_attn.q_proj', 'model.layers.1.mlp.down_proj', 'model.norm', 'lm_head'. */
  path: string;
  kind: 'linear' | 'norm';
  /** The initializer that holds the weight. Several modules may share one: `place` is what tells them apart. */
  weight: string;
  place: Place;
  /** The initializer lies as [out, in], as PyTorch has it; else as [in, out]. */
  transposed: boolean;
  /** Output features [start, end) of the weight that are this module's, where several are packed into one matrix. */
  slice?: [number, number];
  /** A learnt shift; where modules are packed `slice` cuts it too. */
  bias?: Place;
  /** The value that goes in and the one that comes out (of all packed modules together; before a separate bias). */
  input: string;
  output: string;
  /** Of the weight as it is stored, all packed modules together; for a norm both are absent. */
  inFeatures?: number;
  outFeatures?: number;
}

/**
 * The modules of a decoder graph by graph position: projections of each layer's attention (separate, or packed and then
 * also as slices) and feed-forward part (gated or plain), norms, and the head. What is not recognised is left out.
 * Names are those of the Llama family, which Qwen, Mistral, SmolLM, Vicuna and others share.
 */
export function modulesOf(graph: Graph): Module[] {
  const walk = new Walk(new GraphView(graph));
  return walk.modules();
}

class Walk {
  private readonly view: GraphView;
  private readonly linears: Linear[];
  /** By the values that they give. */
  private readonly linearAt = new Map<string, Linear>();
  private readonly normAt = new Map<string, Norm>();
  private readonly attentions: Attention[];
  private readonly placed = new Set<Linear>();
  private readonly found: Module[] = [];

  constructor(view: GraphView) {
    this.view = view;
    this.linears = view.graph.nodes.flatMap((node) => linearOf(view, node) ?? []);
    for (const linear of this.linears) {
      this.linearAt.set(linear.output, linear).set(linear.result, linear);
    }
    for (const node of view.graph.nodes) {
      const norm = normOf(view, node);
      if (norm) this.normAt.set(norm.output, norm);
    }
    this.attentions = attentionsOf(view).filter((attention) => this.back([attention.q]).size > 0);
  }

  modules(): Module[] {
    const head = this.head();
    if (head) this.placed.add(head);
    this.attentions.forEach((attention, layer) => void this.attention(attention, `model.layers.${layer}`));
    const levels = this.levels();
    const unplaced = (level: number) =>
      this.linears.filter((linear) => !this.placed.has(linear) && levels.get(linear.node) === level);
    // Where both parts of a layer read its input, the feed-forward part does not come after the layer's attention.
    const parallel = unplaced(this.attentions.length).length === 0;
    this.attentions.forEach((_, layer) => {
      this.feedForward(unplaced(parallel ? layer : layer + 1), `model.layers.${layer}`);
    });
    this.attentions.forEach((_, layer) => void this.norms(`model.layers.${layer}`));
    if (head) {
      this.norm('model.norm', this.normBefore(head.input));
      this.linear('lm_head', head);
    }
    return this.found;
  }

  /** The first products met when walking back from values. */
  private back(from: readonly string[], visit?: (value: string) => void): Set<Linear> {
    const values = this.view.walkBack(from, (value) => {
      visit?.(value);
      return this.linearAt.has(value);
    });
    return new Set([...values].map((value) => this.linearAt.get(value) as Linear));
  }

  private head(): Linear | undefined {
    const { outputs } = this.view.graph;
    const logits = outputs.find(({ name }) => /logits|score/i.test(name)) ?? outputs[0];
    const [head, ...others] = logits ? this.back([logits.name]) : [];
    return others.length === 0 ? head : undefined;
  }

  private attention(attention: Attention, layer: string): void {
    const path = `${layer}.self_attn`;
    const sides = (['q', 'k', 'v'] as const).map((side) => {
      const norms: Norm[] = [];
      const linears = this.back([attention[side]], (value) => {
        const norm = this.normAt.get(value);
        if (norm) norms.push(norm);
      });
      return { side, norms, linear: linears.size === 1 ? [...linears][0] : undefined };
    });
    const [q, k, v] = sides.map(({ linear }) => linear);
    if (q && q === k && k === v) this.packed(path, q, attention);
    else for (const { side, linear } of sides) if (linear) this.linear(`${path}.${side}_proj`, linear);
    for (const { side, norms } of sides.slice(0, 2)) this.norm(`${path}.${side}_norm`, norms[0]);
    const readers = (value: string) => this.linears.filter(({ input }) => input === value);
    const after = this.view.walkForward(attention.output, (value) => readers(value).length > 0);
    const [o, ...others] = [...after].flatMap(readers);
    if (o && others.length === 0) this.linear(`${path}.o_proj`, o);
  }

  /** One product for queries, keys and values, in this order. */
  private packed(path: string, linear: Linear, attention: Attention): void {
    this.linear(`${path}.qkv_proj`, linear);
    const widths = attention.packed
      ? packedWidths(linear.outFeatures, attention.packed)
      : this.splitWidths(linear);
    let start = 0;
    for (const [i, width] of (widths ?? []).entries()) {
      this.linear(`${path}.${'qkv'[i]}_proj`, linear, [start, start + width]);
      start += width;
    }
  }

  /** Widths of the pieces that a packed product is cut into by Split or by slices of the last axis. */
  private splitWidths(linear: Linear): number[] | undefined {
    const cut = this.view.consumers(linear.result).filter((node) => node.opType === 'Split');
    const sizes = cut.length === 1 ? this.numbers(cut[0]?.inputs[1]) : undefined;
    if (sizes?.length === 3) return sizes;
    const ends = this.view
      .consumers(linear.result)
      .filter((node) => node.opType === 'Slice')
      .map((node) => this.numbers(node.inputs[2])?.[0] ?? 0)
      .map((end) => Math.min(end, linear.outFeatures))
      .sort((a, b) => a - b);
    return ends.length === 3 ? ends.map((end, i) => end - (ends[i - 1] ?? 0)) : undefined;
  }

  private numbers(name: string | undefined): number[] | undefined {
    const held = name ? this.view.producer(name)?.attributes.value : undefined;
    const tensor =
      this.view.graph.initializers.get(name ?? '') ?? (held?.type === 'tensor' ? held.value : undefined);
    return tensor && Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  }

  /** For each node how many attentions lie before it. */
  private levels(): Map<Node, number> {
    const level = new Map<string, number>();
    const ends = new Map(this.attentions.map(({ node }, layer) => [node, layer + 1]));
    const result = new Map<Node, number>();
    for (const node of this.view.graph.nodes) {
      const before = Math.max(0, ...node.inputs.map((name) => level.get(name) ?? 0));
      const here = ends.get(node) ?? before;
      result.set(node, here);
      for (const name of node.outputs) level.set(name, here);
    }
    return result;
  }

  private feedForward(linears: readonly Linear[], layer: string): void {
    const path = `${layer}.mlp`;
    const down = linears.find(({ input }) => linears.some((other) => this.back([input]).has(other)));
    if (!down || linears.length > 3) return;
    const gating = this.view.producer(this.view.unwrapped(down.input));
    const operands = (gating?.inputs ?? []).filter((name) => !this.view.isFixed(name));
    const sources = operands.map((name) => [...this.back([name])]);
    if (gating?.opType === 'Mul' && sources.length === 2 && sources.every((list) => list.length === 1)) {
      const direct = operands.map((name) => this.direct(name));
      if (direct[0] === direct[1]) return;
      const [up, gate] = (direct[0] ? sources : [...sources].reverse()).map((list) => list[0] as Linear);
      if (up === gate) {
        this.linear(`${path}.gate_up_proj`, gate as Linear);
        const half = (gate as Linear).outFeatures / 2;
        this.linear(`${path}.gate_proj`, gate as Linear, [0, half]);
        this.linear(`${path}.up_proj`, gate as Linear, [half, 2 * half]);
      } else {
        this.linear(`${path}.gate_proj`, gate as Linear);
        this.linear(`${path}.up_proj`, up as Linear);
      }
      this.linear(`${path}.down_proj`, down);
    } else if (linears.length === 2) {
      const first = linears.find((linear) => linear !== down) as Linear;
      this.linear(`${path}.${plainName(first, 'fc1')}`, first);
      this.linear(`${path}.${plainName(down, 'fc2')}`, down);
    }
  }

  /** Whether a value is a product's result, a piece of it at most: no activation lies between. */
  private direct(name: string): boolean {
    let value = this.view.unwrapped(name);
    const node = this.view.producer(value);
    if (!this.linearAt.has(value) && (node?.opType === 'Split' || node?.opType === 'Slice')) {
      value = this.view.unwrapped(node.inputs[0] as string);
    }
    return this.linearAt.has(value);
  }

  private norms(layer: string): void {
    const named = (name: string) => this.found.find(({ path }) => path === `${layer}.${name}`);
    const before = (...names: string[]) => {
      const first = names.map(named).find((module) => module);
      return first && this.normBefore(first.input);
    };
    const after = (name: string) => {
      const linear = this.linears.find(({ node }) => node.outputs[0] === named(name)?.place.output);
      return [...this.normAt.values()].find(
        ({ input }) => linear && input && this.linearAt.get(this.view.unwrapped(input)) === linear,
      );
    };
    this.norm(`${layer}.input_layernorm`, before('self_attn.q_proj', 'self_attn.qkv_proj'));
    const inner = before('mlp.gate_proj', 'mlp.gate_up_proj', 'mlp.fc1', 'mlp.up_proj');
    const afterAttention = after('self_attn.o_proj');
    this.norm(`${layer}.post_attention_layernorm`, afterAttention ?? inner);
    if (afterAttention) this.norm(`${layer}.pre_feedforward_layernorm`, inner);
    this.norm(`${layer}.post_feedforward_layernorm`, after('mlp.down_proj'));
  }

  /** The norm whose output `value` is, positions of it picked at most. */
  private normBefore(value: string): Norm | undefined {
    let name = value;
    for (;;) {
      const norm = this.normAt.get(name);
      if (norm) return norm;
      const node = this.view.producer(name);
      if (!node || !['Cast', 'Identity', 'Reshape', 'Slice', 'Gather', 'Unsqueeze'].includes(node.opType))
        return undefined;
      name = node.inputs[0] as string;
    }
  }

  private linear(path: string, linear: Linear, slice?: [number, number]): void {
    this.placed.add(linear);
    const { weight: place, transposed, bias, input, output, inFeatures, outFeatures } = linear;
    this.found.push({
      path,
      kind: 'linear',
      weight: place.initializer,
      place,
      transposed: transposed !== place.turned,
      ...(slice ? { slice } : {}),
      ...(bias ? { bias } : {}),
      input,
      output,
      inFeatures,
      outFeatures,
    });
  }

  private norm(path: string, norm: Norm | undefined): void {
    if (!norm) return;
    const { weight: place, bias, output } = norm;
    this.found.push({
      path,
      kind: 'norm',
      weight: place.initializer,
      place,
      transposed: false,
      ...(bias ? { bias } : {}),
      input: norm.input ?? '',
      output,
    });
  }
}

/** Architectures with a plain feed-forward part name its two products differently: where the file tells, as it says. */
function plainName({ weight }: Linear, usual: string): string {
  return /\.mlp\.(\w+)\.weight$/.exec(weight.initializer)?.[1] ?? usual;
}

function packedWidths(total: number, { heads, kvHeads }: { heads: number; kvHeads: number }): number[] {
  const width = total / (heads + 2 * kvHeads);
  return [heads * width, kvHeads * width, kvHeads * width];
}
