import type { AttributeValue } from '../onnx/graph.ts';
import { type DType, int64, newData, type Tensor } from '../onnx/tensor.ts';
import { broadcast, matmulDims, reducedDims, sameDims, sizeOf, swapLast } from './shapes.ts';
import type { Operation, TypedValue } from './value.ts';

interface Transposes {
  transA?: boolean;
  transB?: boolean;
  alpha?: number;
}

/** Constants up to this many elements are told apart by their contents, larger ones by identity. */
const SMALL = 64;

/**
 * Emits typed operations; the vocabulary that gradient rules, losses and passes are written in. The same operation
 * on the same values is emitted once, and operations that change nothing are not emitted at all.
 */
export class Emitter {
  private readonly known = new Map<string, TypedValue[]>();
  private readonly tensorIds = new Map<object, number>();
  private count = 0;
  /** The file's node that emitted operations stand for. */
  source = '';
  /** Operations of different regions are never one: what a region computes again is not kept for it. */
  region = '';

  input(name: string, dtype: DType, dims: readonly number[]): TypedValue {
    return { id: this.count++, dtype, dims, input: name };
  }

  constant(tensor: Tensor): TypedValue {
    const content =
      tensor.data.length <= SMALL ? Array.from(tensor.data, String).join() : `#${this.identity(tensor)}`;
    const key = `constant ${tensor.dtype} ${tensor.dims} ${content}`;
    let found = this.known.get(key);
    if (!found) {
      found = [{ id: this.count++, dtype: tensor.dtype, dims: tensor.dims, constant: tensor }];
      this.known.set(key, found);
    }
    return found[0] as TypedValue;
  }

  /** A tensor of one repeated number. */
  fill(value: number, dims: readonly number[] = [], dtype: DType = 'float32'): TypedValue {
    const data = newData(dtype, sizeOf(dims));
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(value));
    else if (dtype !== 'float16') data.fill(value);
    else return this.cast(this.fill(value, dims), 'float16');
    return this.constant({ dtype, dims: [...dims], data });
  }

  ints(values: readonly number[]): TypedValue {
    return this.constant(int64([values.length], values));
  }

  /** Any operation, its output types stated. */
  emit(
    opType: string,
    inputs: readonly (TypedValue | null)[],
    outputs: readonly { dtype: DType; dims: readonly number[] }[],
    attributes: Record<string, AttributeValue> = {},
    domain = '',
  ): TypedValue[] {
    const parameters = Object.entries(attributes).map(([name, value]) =>
      typeof value === 'object' && 'dtype' in value ? [name, `#${this.identity(value)}`] : [name, value],
    );
    const ids = inputs.map((value) => value?.id ?? '');
    const key = `${this.region} ${domain}.${opType}(${ids}) ${JSON.stringify(parameters)} ${outputs.length}`;
    const found = this.known.get(key);
    if (found) return found;
    const made: TypedValue[] = [];
    const op: Operation = {
      opType,
      domain,
      inputs,
      outputs: made,
      attributes,
      source: this.source,
      region: this.region,
    };
    for (const { dtype, dims } of outputs) made.push({ id: this.count++, dtype, dims, op });
    this.known.set(key, made);
    return made;
  }

  /** One more output of an operation, such as the mean of a LayerNormalization. */
  appendOutput(op: Operation, dtype: DType, dims: readonly number[]): TypedValue {
    const value = { id: this.count++, dtype, dims, op };
    op.outputs.push(value);
    return value;
  }

  unary(opType: string, x: TypedValue, dtype: DType = x.dtype): TypedValue {
    return this.emit(opType, [x], [{ dtype, dims: x.dims }])[0] as TypedValue;
  }

  /** An elementwise operation with broadcasting; `dtype` differs for comparisons. */
  binary(opType: string, a: TypedValue, b: TypedValue, dtype: DType = a.dtype): TypedValue {
    return this.emit(opType, [a, b], [{ dtype, dims: broadcast(a.dims, b.dims) }])[0] as TypedValue;
  }

  add(a: TypedValue, b: TypedValue): TypedValue {
    return this.binary('Add', a, b);
  }
  sub(a: TypedValue, b: TypedValue): TypedValue {
    return this.binary('Sub', a, b);
  }
  mul(a: TypedValue, b: TypedValue): TypedValue {
    return this.binary('Mul', a, b);
  }
  div(a: TypedValue, b: TypedValue): TypedValue {
    return this.binary('Div', a, b);
  }
  neg(x: TypedValue): TypedValue {
    return this.unary('Neg', x);
  }
  /** x * factor. */
  scale(x: TypedValue, factor: number): TypedValue {
    return factor === 1 ? x : this.mul(x, this.fill(factor, [], x.dtype));
  }
  shift(x: TypedValue, summand: number): TypedValue {
    return this.add(x, this.fill(summand, [], x.dtype));
  }

  oneMinus(x: TypedValue): TypedValue {
    return this.sub(this.fill(1, [], x.dtype), x);
  }
  /** A zero that broadcasts to anything, of the type of `x`. */
  zero(x: TypedValue): TypedValue {
    return this.fill(0, [], x.dtype);
  }
  /** Where `x` is Greater, Less or Equal to a number. */
  compare(relation: 'Greater' | 'Less' | 'Equal', x: TypedValue, bound: number): TypedValue {
    return this.binary(relation, x, this.fill(bound, [], x.dtype), 'bool');
  }

  where(condition: TypedValue, yes: TypedValue, no: TypedValue): TypedValue {
    const dims = broadcast(condition.dims, broadcast(yes.dims, no.dims));
    return this.emit('Where', [condition, yes, no], [{ dtype: yes.dtype, dims }])[0] as TypedValue;
  }

  cast(x: TypedValue, dtype: DType): TypedValue {
    if (x.dtype === dtype) return x;
    const to = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10, float64: 11 }[dtype as 'float32'];
    return this.emit('Cast', [x], [{ dtype, dims: x.dims }], { to })[0] as TypedValue;
  }

  reshape(x: TypedValue, dims: readonly number[]): TypedValue {
    if (sizeOf(x.dims) !== sizeOf(dims)) throw new Error(`[${x.dims}] cannot take the shape [${dims}]`);
    const before = x.op?.opType === 'Reshape' && !x.op.domain ? (x.op.inputs[0] as TypedValue) : x;
    if (sameDims(before.dims, dims)) return before;
    return this.emit('Reshape', [before, this.ints(dims)], [{ dtype: x.dtype, dims }])[0] as TypedValue;
  }

  transpose(x: TypedValue, perm: readonly number[]): TypedValue {
    if (perm.every((axis, i) => axis === i)) return x;
    const moved = perm.map((axis) => x.dims[axis] as number);
    const kept = (axes: readonly number[]) => axes.filter((axis) => x.dims[axis] !== 1);
    const order = kept(perm);
    if (order.every((axis, i) => i === 0 || axis > (order[i - 1] as number))) return this.reshape(x, moved);
    return this.emit('Transpose', [x], [{ dtype: x.dtype, dims: moved }], {
      perm: [...perm],
    })[0] as TypedValue;
  }

  /** Swaps the last two axes. */
  flip(x: TypedValue): TypedValue {
    const rank = x.dims.length;
    return this.transpose(
      x,
      x.dims.map((_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i)),
    );
  }

  expand(x: TypedValue, dims: readonly number[]): TypedValue {
    if (sameDims(x.dims, dims)) return x;
    return this.emit('Expand', [x, this.ints(dims)], [{ dtype: x.dtype, dims }])[0] as TypedValue;
  }

  sum(x: TypedValue, axes: readonly number[], keep = true): TypedValue {
    const dims = reducedDims(x.dims, axes, keep);
    if (axes.every((axis) => x.dims[axis] === 1)) return this.reshape(x, dims);
    const attributes = { keepdims: keep ? 1 : 0 };
    return this.emit(
      'ReduceSum',
      [x, this.ints(axes)],
      [{ dtype: x.dtype, dims }],
      attributes,
    )[0] as TypedValue;
  }

  mean(x: TypedValue, axes: readonly number[], keep = true): TypedValue {
    return this.scale(this.sum(x, axes, keep), 1 / axes.reduce((n, axis) => n * (x.dims[axis] as number), 1));
  }

  /** Undoes broadcasting: adds up `x` along the axes that `dims` does not have. */
  sumTo(x: TypedValue, dims: readonly number[]): TypedValue {
    if (sameDims(x.dims, dims)) return x;
    const extra = x.dims.length - dims.length;
    const axes = x.dims
      .map((_, i) => i)
      .filter((i) => i < extra || (dims[i - extra] === 1 && x.dims[i] !== 1));
    return this.reshape(this.sumRows(x, axes), dims);
  }

  /** Leading axes are added up by a product with ones: Gemm is several times quicker than ReduceSum there. */
  private sumRows(x: TypedValue, axes: readonly number[]): TypedValue {
    const leading =
      axes.every((axis, i) => axis === i) && axes.length < x.dims.length && x.dtype === 'float32';
    if (!leading) return this.sum(x, axes);
    const rows = sizeOf(x.dims.slice(0, axes.length));
    const columns = sizeOf(x.dims.slice(axes.length));
    return this.gemm(this.fill(1, [1, rows]), this.reshape(x, [rows, columns]));
  }

  /** Elements [start, end) of an axis. */
  slice(x: TypedValue, axis: number, start: number, end: number): TypedValue {
    if (start === 0 && end === x.dims[axis]) return x;
    const dims = x.dims.map((dim, i) => (i === axis ? end - start : dim));
    const bounds = [[start], [end], [axis]].map((list) => this.ints(list));
    return this.emit('Slice', [x, ...bounds], [{ dtype: x.dtype, dims }])[0] as TypedValue;
  }

  /** Zeros before and after, per axis. */
  pad(x: TypedValue, before: readonly number[], after: readonly number[]): TypedValue {
    if ([...before, ...after].every((count) => count === 0)) return x;
    const dims = x.dims.map((dim, i) => dim + (before[i] as number) + (after[i] as number));
    return this.emit(
      'Pad',
      [x, this.ints([...before, ...after])],
      [{ dtype: x.dtype, dims }],
    )[0] as TypedValue;
  }

  concat(parts: readonly TypedValue[], axis: number): TypedValue {
    const first = parts[0] as TypedValue;
    if (parts.length === 1) return first;
    const total = parts.reduce((sum, part) => sum + (part.dims[axis] as number), 0);
    const dims = first.dims.map((dim, i) => (i === axis ? total : dim));
    return this.emit('Concat', parts, [{ dtype: first.dtype, dims }], { axis })[0] as TypedValue;
  }

  /** Neighbouring parts of the given sizes along an axis. */
  split(x: TypedValue, axis: number, sizes: readonly number[]): TypedValue[] {
    const outputs = sizes.map((size) => ({
      dtype: x.dtype,
      dims: x.dims.map((dim, i) => (i === axis ? size : dim)),
    }));
    return this.emit('Split', [x, this.ints(sizes)], outputs, { axis });
  }

  softmax(x: TypedValue, axis: number): TypedValue {
    return this.emit('Softmax', [x], [{ dtype: x.dtype, dims: x.dims }], { axis })[0] as TypedValue;
  }

  logSoftmax(x: TypedValue, axis: number): TypedValue {
    return this.emit('LogSoftmax', [x], [{ dtype: x.dtype, dims: x.dims }], { axis })[0] as TypedValue;
  }

  /** alpha * op(a) op(b) + c on matrices. */
  gemm(
    a: TypedValue,
    b: TypedValue,
    { transA, transB, alpha = 1 }: Transposes = {},
    c?: TypedValue,
  ): TypedValue {
    const dims = matmulDims(transA ? swapLast(a.dims) : a.dims, transB ? swapLast(b.dims) : b.dims);
    const attributes = { transA: transA ? 1 : 0, transB: transB ? 1 : 0, alpha };
    return this.emit('Gemm', c ? [a, b, c] : [a, b], [{ dtype: a.dtype, dims }], attributes)[0] as TypedValue;
  }

  /** alpha * op(a) op(b) on the last two axes; the other axes broadcast. */
  matmul(a: TypedValue, b: TypedValue, { transA, transB, alpha = 1 }: Transposes = {}): TypedValue {
    if (a.dims.length === 2 && b.dims.length === 2) return this.gemm(a, b, { transA, transB, alpha });
    const dims = matmulDims(transA ? swapLast(a.dims) : a.dims, transB ? swapLast(b.dims) : b.dims);
    const output = [{ dtype: a.dtype, dims }];
    if (!transA && !transB && alpha === 1) return this.emit('MatMul', [a, b], output)[0] as TypedValue;
    const attributes = { transA: transA ? 1 : 0, transB: transB ? 1 : 0, alpha };
    return this.emit('FusedMatMul', [a, b], output, attributes, 'com.microsoft')[0] as TypedValue;
  }

  private identity(tensor: object): number {
    let id = this.tensorIds.get(tensor);
    if (id === undefined) {
      id = this.tensorIds.size;
      this.tensorIds.set(tensor, id);
    }
    return id;
  }
}
