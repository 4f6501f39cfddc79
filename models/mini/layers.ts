import { GraphBuilder, type Value } from '../../engine/index.ts';
import { headWidth, type MiniSizes } from './sizes.ts';
import { blockParts, type MiniWeights, weightOf } from './weights.ts';

/** Rotates queries and keys [batch, heads, length, head width] by their positions. */
export type Rotate = (b: MiniBuilder, x: Value) => Value;

/** What a block's attention has beside its input. */
export interface AttentionOptions {
  rotate?: Rotate;
  /** Added to the scores: [batch, 1, length, total]. */
  bias?: Value;
  /** Cached keys and values [batch, heads, past, head width], put before the new ones. */
  past?: { key: Value; value: Value };
}

/** The layers of the mini model, over a GraphBuilder and a map of weights. */
export class MiniBuilder extends GraphBuilder {
  readonly sizes: MiniSizes;
  private readonly weights: MiniWeights;
  private readonly shared = new Map<string, Value>();

  constructor(name: string, weights: MiniWeights, sizes: MiniSizes) {
    super(name);
    this.weights = weights;
    this.sizes = sizes;
  }

  weight(name: string, dims: readonly number[]): Value {
    return this.initializer(name, weightOf(this.weights, name, dims));
  }

  /** A constant that the graph holds once. */
  once(key: string, make: () => Value): Value {
    let value = this.shared.get(key);
    if (!value) {
      value = make();
      this.shared.set(key, value);
    }
    return value;
  }

  scalar(value: number): Value {
    return this.once(`scalar ${value}`, () => this.constant(value));
  }

  shape(...dims: number[]): Value {
    return this.once(`shape ${dims}`, () => this.constant(dims));
  }

  linear(name: string, x: Value, input: number, output: number): Value {
    const product = this.op('MatMul', [x, this.weight(`${name}.weight`, [input, output])]);
    return this.op('Add', [product, this.weight(`${name}.bias`, [output])]);
  }

  conv(name: string, x: Value, input: number, output: number, kernel: number, stride = 1, pad = 0): Value {
    const weight = this.weight(`${name}.weight`, [output, input, kernel, kernel]);
    const bias = this.weight(`${name}.bias`, [output]);
    return this.op('Conv', [x, weight, bias], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      dilations: [1, 1],
      group: 1,
    });
  }

  norm(name: string, x: Value): Value {
    const dims = [this.sizes.width];
    const scale = this.weight(`${name}.weight`, dims);
    const shift = this.weight(`${name}.bias`, dims);
    return this.op('LayerNormalization', [x, scale, shift], { axis: -1, epsilon: 1e-5 });
  }

  /** The exact (erf) form. */
  gelu(x: Value): Value {
    const erf = this.op('Erf', [this.op('Div', [x, this.scalar(Math.SQRT2)])]);
    const product = this.op('Mul', [x, this.op('Add', [erf, this.scalar(1)])]);
    return this.op('Mul', [product, this.scalar(0.5)]);
  }

  /** A pre-norm transformer block on [batch, length, width]; also gives the keys and values with the past before them. */
  block(prefix: string, x: Value, options: AttentionOptions = {}): { x: Value; key: Value; value: Value } {
    const { width, mlp } = this.sizes;
    const name = (part: keyof typeof blockParts) => `${prefix}.${blockParts[part]}`;
    const attended = this.attention(name, this.norm(name('norm1'), x), options);
    const middle = this.op('Add', [x, attended.x]);
    const up = this.gelu(this.linear(name('up'), this.norm(name('norm2'), middle), width, mlp));
    const down = this.linear(name('down'), up, mlp, width);
    return { x: this.op('Add', [middle, down]), key: attended.key, value: attended.value };
  }

  private attention(
    name: (part: keyof typeof blockParts) => string,
    x: Value,
    { rotate, bias, past }: AttentionOptions,
  ): { x: Value; key: Value; value: Value } {
    const { width, heads } = this.sizes;
    const channels = headWidth(this.sizes);
    const split = (part: 'query' | 'key' | 'value') => {
      const shaped = this.op('Reshape', [
        this.linear(name(part), x, width, width),
        this.shape(0, 0, heads, channels),
      ]);
      return this.op('Transpose', [shaped], { perm: [0, 2, 1, 3] });
    };
    let [query, key, value] = [split('query'), split('key'), split('value')];
    if (rotate) [query, key] = [rotate(this, query), rotate(this, key)];
    if (past) {
      key = this.op('Concat', [past.key, key], { axis: 2 });
      value = this.op('Concat', [past.value, value], { axis: 2 });
    }
    const transposed = this.op('Transpose', [key], { perm: [0, 1, 3, 2] });
    const product = this.op('MatMul', [query, transposed]);
    const scaled = this.op('Mul', [product, this.scalar(channels ** -0.5)]);
    const scores = bias ? this.op('Add', [scaled, bias]) : scaled;
    const mixed = this.op('MatMul', [this.op('Softmax', [scores], { axis: -1 }), value]);
    const joined = this.op('Transpose', [mixed], { perm: [0, 2, 1, 3] });
    const flat = this.op('Reshape', [joined, this.shape(0, 0, width)]);
    return { x: this.linear(name('output'), flat, width, width), key, value };
  }
}
