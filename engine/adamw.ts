import type { Tensor } from './onnx/tensor.ts';
import type { Parameters } from './parameters.ts';
import { adamwUpdate } from './simd.ts';

export interface AdamWOptions {
  /** Decay rates of the two moments. */
  betas?: [number, number];
  eps?: number;
  /** Decoupled; applied to tensors of two and more dimensions only, so that biases and norms are not pulled to zero. */
  weightDecay?: number;
}

export const adamwDefaults: Required<AdamWOptions> = { betas: [0.9, 0.999], eps: 1e-6, weightDecay: 0 };

interface Moments {
  m: Float32Array;
  v: Float32Array;
}

/**
 * AdamW (Loshchilov and Hutter, arXiv 1711.05101), outside the graph: the weights are changed in place between runs.
 * Moments and updates are float32, as in PyTorch.
 */
export class AdamW {
  /** Updates done so far. */
  steps = 0;
  private readonly moments = new Map<string, Moments>();
  private readonly betas: [number, number];
  private readonly eps: number;
  private readonly weightDecay: number;

  constructor(options: AdamWOptions = {}) {
    const { betas, eps, weightDecay } = { ...adamwDefaults, ...options };
    this.betas = betas;
    this.eps = eps;
    this.weightDecay = weightDecay;
  }

  /**
   * One update of every parameter that has a gradient. Gradients are keyed by the parameter's name and count times `scale`
   * (clipping); they are not changed.
   */
  step(
    parameters: Parameters,
    gradients: Record<string, Tensor>,
    { learningRate, scale = 1 }: { learningRate: number; scale?: number },
  ): void {
    this.steps++;
    const [b1, b2] = this.betas;
    for (const [name, { data, dims }] of parameters.entries()) {
      const gradient = gradients[name]?.data;
      if (!gradient) continue;
      if (!(gradient instanceof Float32Array) || gradient.length !== data.length) {
        throw new Error(
          `the gradient of '${name}' has ${gradient.length} numbers, the parameter ${data.length}`,
        );
      }
      adamwUpdate(data, this.momentsOf(name, data.length), gradient, {
        b1,
        c1: 1 - b1,
        b2,
        c2: 1 - b2,
        eps: this.eps,
        decay: dims.length > 1 ? 1 - learningRate * this.weightDecay : 1,
        rate: learningRate / (1 - b1 ** this.steps),
        root: 1 / Math.sqrt(1 - b2 ** this.steps),
        scale,
      });
    }
  }

  private momentsOf(name: string, length: number): Moments {
    let state = this.moments.get(name);
    if (!state) {
      state = { m: new Float32Array(length), v: new Float32Array(length) };
      this.moments.set(name, state);
    }
    return state;
  }

  /** The moments as tensors named `m.<parameter>` and `v.<parameter>`; they share memory with the optimizer. */
  state(): Map<string, Tensor> {
    const result = new Map<string, Tensor>();
    for (const [name, { m, v }] of this.moments) {
      result.set(`m.${name}`, { dtype: 'float32', dims: [m.length], data: m });
      result.set(`v.${name}`, { dtype: 'float32', dims: [v.length], data: v });
    }
    return result;
  }

  /** Takes up where another optimizer's `state` and `steps` left off; other tensors in the map are passed over. */
  restore(state: ReadonlyMap<string, Tensor>, steps: number): void {
    this.moments.clear();
    for (const [key, tensor] of state) {
      if (!key.startsWith('m.')) continue;
      const name = key.slice(2);
      const v = state.get(`v.${name}`);
      if (!v) throw new Error(`the optimizer state lacks 'v.${name}'`);
      this.moments.set(name, {
        m: Float32Array.from(tensor.data as Float32Array),
        v: Float32Array.from(v.data as Float32Array),
      });
    }
    this.steps = steps;
  }
}

/**
 * Adds the gradient rows of looked-up embeddings into the table's gradient, in the order of `ids`, so that the result
 * does not depend on threads. `table` [V * width], `rows` [ids.length * width]. A negative id is passed over.
 */
export function scatterRows(
  table: Float32Array,
  ids: ArrayLike<number> | BigInt64Array,
  rows: Float32Array,
  width: number,
): void {
  const vocabulary = table.length / width;
  for (let i = 0; i < ids.length; i++) {
    const id = Number(ids[i]);
    if (id < 0) continue;
    if (id >= vocabulary) throw new Error(`row ${i} names entry ${id} of a table of ${vocabulary}`);
    const to = id * width;
    const from = i * width;
    for (let c = 0; c < width; c++) table[to + c] = (table[to + c] as number) + (rows[from + c] as number);
  }
}
