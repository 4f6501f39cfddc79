import { type Graph, GraphBuilder, type Tensor, type Value } from '../engine/index.ts';

/** Shapes of a decoder with grouped heads, RMS norms, rotary positions and a gated feed-forward part (Qwen2.5's form). */
export interface LargeSizes {
  layers: number;
  width: number;
  heads: number;
  keyHeads: number;
  mlp: number;
  vocabulary: number;
}

/** A 0.5 B model: 494 million weights. */
export const halfBillion: LargeSizes = {
  layers: 24,
  width: 896,
  heads: 14,
  keyHeads: 2,
  mlp: 4864,
  vocabulary: 151_936,
};

/** Quick numbers in +-range that fill a large tensor; no two tensors are alike. */
function noise(dims: number[], seed: number, range: number): Tensor {
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let i = 0; i < data.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    data[i] = range * (state / 2 ** 31 - 1);
  }
  return { dtype: 'float32', dims, data };
}

class LargeBuilder extends GraphBuilder {
  private readonly sizes: LargeSizes;
  private weights = 0;

  constructor(sizes: LargeSizes) {
    super('large decoder');
    this.sizes = sizes;
  }

  private weight(name: string, dims: number[]): Value {
    const range = dims.length > 1 ? 1 / Math.sqrt(dims[0]!) : 0.1;
    return this.initializer(name, noise(dims, ++this.weights, range));
  }

  private linear(name: string, x: Value, input: number, output: number, biased = false): Value {
    const product = this.op('MatMul', [x, this.weight(`${name}.weight`, [input, output])]);
    return biased ? this.op('Add', [product, this.weight(`${name}.bias`, [output])]) : product;
  }

  private norm(name: string, x: Value): Value {
    const scale = this.weight(`${name}.weight`, [this.sizes.width]);
    return this.op('SimplifiedLayerNormalization', [x, scale], { axis: -1, epsilon: 1e-6 });
  }

  /** [batch, length, heads * channels] -> [batch, heads, length, channels], turned by the positions. */
  private split(x: Value, heads: number, turn?: { cos: Value; sin: Value }): Value {
    const shape = this.constant([0, 0, heads, this.channels]);
    const value = this.op('Transpose', [this.op('Reshape', [x, shape])], { perm: [0, 2, 1, 3] });
    if (!turn) return value;
    const half = this.constant([this.channels / 2, this.channels / 2]);
    const [low, high] = this.ops('Split', [value, half], 2, { axis: -1 }) as [Value, Value];
    const turned = this.op('Concat', [this.op('Neg', [high]), low], { axis: -1 });
    return this.op('Add', [this.op('Mul', [value, turn.cos]), this.op('Mul', [turned, turn.sin])]);
  }

  private get channels(): number {
    return this.sizes.width / this.sizes.heads;
  }

  /** Each key or value head serves several query heads. */
  private repeat(x: Value, embeds: Value): Value {
    const { heads, keyHeads } = this.sizes;
    const times = heads / keyHeads;
    const part = (at: number) =>
      this.op('Slice', [this.op('Shape', [embeds]), this.constant([at]), this.constant([at + 1])]);
    const fixed = this.constant([keyHeads, times]);
    const grown = this.op('Concat', [part(0), fixed, part(1), this.constant([this.channels])], { axis: 0 });
    const wide = this.op('Expand', [this.op('Unsqueeze', [x, this.constant([2])]), grown]);
    return this.op('Reshape', [wide, this.constant([0, heads, -1, this.channels])]);
  }

  private block(prefix: string, x: Value, bias: Value, turn: { cos: Value; sin: Value }): Value {
    const { width, heads, keyHeads, mlp } = this.sizes;
    const narrow = keyHeads * this.channels;
    const normal = this.norm(`${prefix}.input_layernorm`, x);
    const name = (part: string) => `${prefix}.self_attn.${part}_proj`;
    const query = this.split(this.linear(name('q'), normal, width, width, true), heads, turn);
    const key = this.split(this.linear(name('k'), normal, width, narrow, true), keyHeads, turn);
    const value = this.split(this.linear(name('v'), normal, width, narrow, true), keyHeads);
    const turned = this.op('Transpose', [this.repeat(key, x)], { perm: [0, 1, 3, 2] });
    const product = this.op('MatMul', [query, turned]);
    const scores = this.op('Add', [this.op('Mul', [product, this.constant(this.channels ** -0.5)]), bias]);
    const mixed = this.op('MatMul', [this.op('Softmax', [scores], { axis: -1 }), this.repeat(value, x)]);
    const joined = this.op('Reshape', [
      this.op('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
      this.constant([0, 0, width]),
    ]);
    const middle = this.op('Add', [x, this.linear(name('o'), joined, width, width)]);
    const inner = this.norm(`${prefix}.post_attention_layernorm`, middle);
    const gate = this.linear(`${prefix}.mlp.gate_proj`, inner, width, mlp);
    const gated = this.op('Mul', [gate, this.op('Sigmoid', [gate])]);
    const up = this.op('Mul', [gated, this.linear(`${prefix}.mlp.up_proj`, inner, width, mlp)]);
    return this.op('Add', [middle, this.linear(`${prefix}.mlp.down_proj`, up, mlp, width)]);
  }

  /** Inputs `inputs_embeds` and `position_ids`, output `logits`; causal, without padding. */
  decoder(): Graph {
    const { layers, width, vocabulary } = this.sizes;
    const half = this.channels / 2;
    const embeds = this.input('inputs_embeds', 'float32', ['batch', 'length', width]);
    const positions = this.input('position_ids', 'int64', ['batch', 'length']);
    const column = this.op('Unsqueeze', [this.op('Cast', [positions], { to: 1 }), this.constant([1, 3])]);
    const data = Float32Array.from({ length: half }, (_, i) => 1e6 ** (-i / half));
    const angle = this.op('Mul', [column, this.constant({ dtype: 'float32', dims: [1, 1, 1, half], data })]);
    const both = this.op('Concat', [angle, angle], { axis: -1 });
    const turn = { cos: this.op('Cos', [both]), sin: this.op('Sin', [both]) };
    const row = this.op('Unsqueeze', [positions, this.constant([1, 2])]);
    const seen = this.op('LessOrEqual', [row, this.op('Unsqueeze', [positions, this.constant([1, 3])])]);
    const bias = this.op('Where', [seen, this.constant(0), this.constant(-1e9)]);
    let x = embeds;
    for (let i = 0; i < layers; i++) x = this.block(`model.layers.${i}`, x, bias, turn);
    const logits = this.linear('lm_head', this.norm('model.norm', x), width, vocabulary);
    this.output('logits', logits, 'float32', ['batch', 'length', vocabulary]);
    return this.build();
  }
}

/** A decoder with random weights; on disk they stand in a data file beside the graph. */
export function largeDecoder(sizes: LargeSizes): Graph {
  const graph = new LargeBuilder(sizes).decoder();
  for (const [name, { data }] of graph.initializers) {
    if (data.byteLength > 1024) graph.external.set(name, 'decoder.onnx_data');
  }
  return graph;
}
