import type { Emitter } from '../ir/emitter.ts';
import { sizeOf } from '../ir/shapes.ts';
import { numberOf, type Operation, type TypedValue } from '../ir/value.ts';
import type { RewriteRule } from './rewrite.ts';

/** What lies between two products is computed in parts of about this many bytes, which stay in the processor's cache. */
const PART = 1 << 21;
/** From so many parts on it is worth it. */
const FEWEST = 2;

const ELEMENTWISE = new Set([
  ...'Add Sub Mul Div Sigmoid Tanh Relu Erf Gelu'.split(' '),
  ...['Gelu', 'QuickGelu', 'FastGelu'].map((name) => `com.microsoft.${name}`),
]);

const flat = (value: TypedValue): TypedValue =>
  value.op?.opType === 'Reshape' && !value.op.domain ? (value.op.inputs[0] as TypedValue) : value;

/** Elementwise operations from products to a value [rows, columns], each read by these alone. */
class Stretch {
  /** Values within, products at its start included, by how often they are read within. */
  private readonly reads = new Map<TypedValue, number>();
  private readonly rows: number;
  private readonly columns: number;

  constructor(rows: number, columns: number) {
    this.rows = rows;
    this.columns = columns;
  }

  /** False where something else than products, elementwise operations and vectors takes part. */
  covers(value: TypedValue): boolean {
    const times = this.reads.get(value);
    this.reads.set(value, (times ?? 0) + 1);
    if (times) return true;
    const { op } = value;
    if (!op || sizeOf(value.dims) !== this.rows * this.columns || value.dims.at(-1) !== this.columns)
      return false;
    if (this.isProduct(value)) return true;
    if (op.opType === 'Reshape' && !op.domain) return this.covers(op.inputs[0] as TypedValue);
    const name = op.domain ? `${op.domain}.${op.opType}` : op.opType;
    return (
      ELEMENTWISE.has(name) &&
      op.outputs.length === 1 &&
      op.inputs.every((input) => input && (this.isVector(input) || this.covers(input)))
    );
  }

  private isProduct({ op, dims }: TypedValue): boolean {
    return op?.opType === 'Gemm' && numberOf(op, 'transA', 0) === 0 && dims[0] === this.rows && !fullBias(op);
  }

  /** The same for every row. */
  private isVector({ dims }: TypedValue): boolean {
    const size = sizeOf(dims);
    return size === 1 || (size === this.columns && dims.at(-1) === this.columns);
  }

  /** True where nothing else reads what lies within. */
  isClosed(uses: (value: TypedValue) => number): boolean {
    return [...this.reads].every(([value, times]) => uses(value) === times);
  }

  /** The value for some of the rows; `part` cuts the rows of what the products read. */
  emit(
    e: Emitter,
    value: TypedValue,
    part: (x: TypedValue) => TypedValue,
    made = new Map<TypedValue, TypedValue>(),
  ): TypedValue {
    const known = made.get(value);
    if (known) return known;
    const op = value.op as Operation;
    let result: TypedValue;
    if (op.opType === 'Gemm') result = gemmOf(e, op, part(op.inputs[0] as TypedValue));
    else if (op.opType === 'Reshape') result = this.emit(e, op.inputs[0] as TypedValue, part, made);
    else {
      const inputs = (op.inputs as TypedValue[]).map((input) => {
        if (!this.isVector(input)) return this.emit(e, input, part, made);
        return e.reshape(input, sizeOf(input.dims) === 1 ? [] : [this.columns]);
      });
      const wide = inputs.find(({ dims }) => dims.length === 2) as TypedValue;
      const output = [{ dtype: value.dtype, dims: wide.dims }];
      result = e.emit(op.opType, inputs, output, { ...op.attributes }, op.domain)[0] as TypedValue;
    }
    made.set(value, result);
    return result;
  }
}

/** Added to a product, and different from row to row. */
function fullBias(op: Operation): boolean {
  const bias = op.inputs[2];
  return bias ? sizeOf(bias.dims) > (op.outputs[0] as TypedValue).dims[1]! : false;
}

function gemmOf(e: Emitter, op: Operation, a: TypedValue): TypedValue {
  const dims = [a.dims[0] as number, (op.outputs[0] as TypedValue).dims[1] as number];
  const inputs = [a, ...op.inputs.slice(1)];
  return e.emit('Gemm', inputs, [{ dtype: a.dtype, dims }], { ...op.attributes })[0] as TypedValue;
}

/**
 * A product of elementwise operations on wide products, such as a feed-forward part: computed for some rows after others,
 * forward and, as gradients follow, backward, so that the wide values between are still in the cache when they are read.
 */
export const inParts: RewriteRule = ({ e, op, inputs, uses }) => {
  if (op.opType !== 'Gemm' || op.domain || numberOf(op, 'transA', 0) === 1 || fullBias(op)) return undefined;
  const middle = inputs[0] as TypedValue;
  const [rows, columns] = middle.dims as [number, number];
  const count = Math.round((4 * rows * columns) / PART);
  if (middle.dtype !== 'float32' || count < FEWEST || flat(middle).op?.opType === 'Gemm') return undefined;
  const stretch = new Stretch(rows, columns);
  if (!stretch.covers(middle) || !stretch.isClosed(uses)) return undefined;
  const sizes = Array.from(
    { length: count },
    (_, i) => Math.floor(((i + 1) * rows) / count) - Math.floor((i * rows) / count),
  );
  const cuts = new Map<TypedValue, TypedValue[]>();
  const results = sizes.map((_, i) => {
    const part = (x: TypedValue) => {
      const parts = cuts.get(x) ?? e.split(x, 0, sizes);
      cuts.set(x, parts);
      return parts[i] as TypedValue;
    };
    return gemmOf(e, { ...op, inputs }, stretch.emit(e, middle, part));
  });
  return e.concat(results, 0);
};
