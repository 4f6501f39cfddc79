import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Emitter } from './ir/emitter.ts';
import { STOP_GRADIENT } from './ir/marks.ts';
import { sameDims } from './ir/shapes.ts';
import type { TypedValue } from './ir/value.ts';
import { float32, int64 } from './onnx/tensor.ts';

/**
 * Writes a scalar loss over the values of a graph. Distributions are softmaxes over the last axis of logits
 * [rows, classes]; logarithms are natural.
 */
export class LossBuilder {
  /** Named parts, each a program output 'loss.<name>'. */
  readonly parts = new Map<string, TypedValue>();
  /** Further values that the program gives back under these names. */
  readonly outputs = new Map<string, TypedValue>();
  private readonly e: Emitter;
  private readonly values: ReadonlyMap<string, TypedValue>;
  private readonly label: string;

  constructor(emitter: Emitter, values: ReadonlyMap<string, TypedValue>, label: string) {
    this.e = emitter;
    this.values = values;
    this.label = label;
  }

  /** A graph output, an intermediate that the targets need, a graph input or a further feed, by name. */
  value(name: string): TypedValue {
    const found = this.values.get(name);
    if (!found)
      throw new GuardError(ErrorCode.BadModel, `${this.label}: the loss reads '${name}', which is not there`);
    return found;
  }

  /** A feed that the loss alone reads (answers, weights); its type and shape are those of the example feed. */
  input(name: string): TypedValue {
    return this.value(name);
  }

  /** [batch, length, classes] -> [batch, classes] at one position; negative positions count from the end. */
  at(x: TypedValue, position: number): TypedValue {
    const [batch, length, ...rest] = x.dims as [number, number, ...number[]];
    const start = position < 0 ? position + length : position;
    return this.e.reshape(this.e.slice(x, 1, start, start + 1), [batch, ...rest]);
  }

  /** [batch, length, classes] -> [batch, classes] at the last position (batches are padded on the left). */
  last(x: TypedValue): TypedValue {
    return this.at(x, -1);
  }

  /** Rows [start, end) of the first axis. */
  rows(x: TypedValue, start: number, end: number): TypedValue {
    return this.e.slice(x, 0, start, end);
  }

  /** Some of the classes, in the given order, such as the answer letters. */
  classes(x: TypedValue, indices: readonly number[]): TypedValue {
    const index = this.e.constant(int64([indices.length], indices));
    const dims = [...x.dims.slice(0, -1), indices.length];
    const axis = x.dims.length - 1;
    return this.e.emit('Gather', [x, index], [{ dtype: x.dtype, dims }], { axis })[0] as TypedValue;
  }

  /**
   * Cross-entropy of logits [rows, classes] against int64 answers [rows]. Without `weights` the mean over the rows;
   * with weights [rows] the weighted sum.
   */
  crossEntropy(
    logits: TypedValue,
    answers: TypedValue,
    weights?: TypedValue | readonly number[],
  ): TypedValue {
    const [rows, classes] = logits.dims as [number, number];
    const values = this.e.constant(float32([2], [0, -1]));
    const hot = this.e.emit(
      'OneHot',
      [answers, this.e.ints([classes]), values],
      [{ dtype: 'float32', dims: [rows, classes] }],
    )[0] as TypedValue;
    const each = this.e.sum(this.e.mul(this.e.logSoftmax(logits, 1), hot), [1], false);
    if (!weights) return this.scale(this.sum(each), 1 / rows);
    const weight = 'id' in weights ? weights : this.e.constant(float32([rows], weights));
    return this.sum(this.e.mul(each, weight));
  }

  /** Mean over the rows of KL(P || Q), in nats. */
  klDivergence(logitsP: TypedValue, logitsQ: TypedValue): TypedValue {
    const logs = this.e.sub(this.e.logSoftmax(logitsP, 1), this.e.logSoftmax(logitsQ, 1));
    return this.rowMean(this.e.mul(this.e.softmax(logitsP, 1), logs));
  }

  /** Mean over the rows of the Jensen-Shannon divergence, in nats: half KL(P || M) plus half KL(Q || M), M the mean. */
  jsDivergence(logitsP: TypedValue, logitsQ: TypedValue): TypedValue {
    const e = this.e;
    const [p, q] = [e.softmax(logitsP, 1), e.softmax(logitsQ, 1)];
    // The floor is below any probability that matters, and keeps the logarithm of an underflow finite.
    const logM = e.unary('Log', e.shift(e.scale(e.add(p, q), 0.5), 1e-30));
    const left = e.mul(p, e.sub(e.logSoftmax(logitsP, 1), logM));
    const right = e.mul(q, e.sub(e.logSoftmax(logitsQ, 1), logM));
    return this.scale(this.rowMean(e.add(left, right)), 0.5);
  }

  /** Mean over the rows of the squared distance between the two distributions. */
  mseDistributions(logitsP: TypedValue, logitsQ: TypedValue): TypedValue {
    const difference = this.e.sub(this.e.softmax(logitsP, 1), this.e.softmax(logitsQ, 1));
    return this.rowMean(this.e.mul(difference, difference));
  }

  /**
   * The sum of value * cotangent. Its gradients are those of a loss whose gradient by `value` is `cotangent`: so
   * gradients pass from one graph to the graph before it.
   */
  dotCotangent(value: TypedValue, cotangent: TypedValue): TypedValue {
    if (!sameDims(value.dims, cotangent.dims)) {
      throw new GuardError(
        ErrorCode.BadInput,
        `${this.label}: the cotangent's shape [${cotangent.dims}] is not the value's [${value.dims}]`,
      );
    }
    return this.sum(this.e.mul(value, cotangent));
  }

  /** Takes part in the loss's value but gets no gradient. */
  stopGradient(x: TypedValue): TypedValue {
    return this.e.unary(STOP_GRADIENT, x);
  }

  add(...parts: TypedValue[]): TypedValue {
    return parts.reduce((sum, part) => this.e.add(sum, part));
  }

  scale(x: TypedValue, factor: number): TypedValue {
    return this.e.scale(x, factor);
  }

  /** A part times a scalar feed, for weights that change between runs. */
  times(x: TypedValue, factor: TypedValue): TypedValue {
    return this.e.mul(x, this.e.reshape(factor, []));
  }

  /** Makes `x` a program output 'loss.<name>', and hands it back. */
  part(name: string, x: TypedValue): TypedValue {
    this.parts.set(name, x);
    return x;
  }

  /** Makes `x`, of any shape, a program output under this very name, and hands it back. */
  output(name: string, x: TypedValue): TypedValue {
    this.outputs.set(name, x);
    return x;
  }

  private sum(x: TypedValue): TypedValue {
    return this.e.sum(
      x,
      x.dims.map((_, i) => i),
      false,
    );
  }

  private rowMean(x: TypedValue): TypedValue {
    return this.scale(this.sum(x), 1 / (x.dims[0] as number));
  }
}
