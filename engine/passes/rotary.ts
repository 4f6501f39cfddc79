import type { Emitter } from '../ir/emitter.ts';
import { sizeOf } from '../ir/shapes.ts';
import { axisOf, constantNumbers, type Operation, type TypedValue } from '../ir/value.ts';
import type { RewriteRule } from './rewrite.ts';

/** x cos + turned(x) sin, turned(x) = [-second half, first half]: one operation instead of six. */
export const rotary: RewriteRule = ({ e, op, inputs }) => {
  if (op.opType !== 'Add' || op.domain) return undefined;
  const [left, right] = inputs.map((value) => (value?.op?.opType === 'Mul' ? value.op.inputs : undefined));
  if (!left || !right) return undefined;
  for (const [straight, turned] of [
    [left, right],
    [right, left],
  ] as const) {
    for (const [x, cos] of bothOrders(straight)) {
      for (const [other, sin] of bothOrders(turned)) {
        const fused = turnedHalves(other) === x ? rotated(e, x, cos, sin) : undefined;
        if (fused) return fused;
      }
    }
  }
  return undefined;
};

function bothOrders(pair: readonly (TypedValue | null)[]): [TypedValue, TypedValue][] {
  const [a, b] = pair as [TypedValue, TypedValue];
  return [
    [a, b],
    [b, a],
  ];
}

/** x where `value` is Concat(-x[.., half..], x[.., ..half]). */
function turnedHalves(value: TypedValue): TypedValue | undefined {
  const rank = value.dims.length;
  if (value.op?.opType !== 'Concat' || value.op.inputs.length !== 2 || axisOf(value.op, rank, 0) !== rank - 1)
    return undefined;
  const [negated, first] = value.op.inputs as [TypedValue, TypedValue];
  const second = negated.op?.opType === 'Neg' ? negated.op.inputs[0] : undefined;
  const [low, high] = [halfOf(first), second && halfOf(second)];
  return low && high && low.x === high.x && low.start === 0 && high.start > 0 ? low.x : undefined;
}

/** Which half of which value this is. */
function halfOf(value: TypedValue): { x: TypedValue; start: number } | undefined {
  const op = value.op;
  const x = op?.inputs[0];
  const last = value.dims.length - 1;
  const half = value.dims[last] as number;
  if (!op || !x || x.dims.length !== last + 1 || x.dims[last] !== 2 * half) return undefined;
  if (op.opType === 'Split' && axisOf(op, last + 1, 0) === last)
    return { x, start: op.outputs.indexOf(value) * half };
  if (op.opType !== 'Slice' || op.inputs.length !== 4 || constantNumbers(op.inputs[3])?.[0] !== last)
    return undefined;
  const start = constantNumbers(op.inputs[1])?.[0];
  return start === 0 || start === half ? { x, start } : undefined;
}

const UNARY = new Set(['Cos', 'Sin', 'Cast']);

/** The first half of a value whose halves along the last axis are known to be equal. */
function firstHalf(e: Emitter, value: TypedValue): TypedValue | undefined {
  const op = value.op;
  const last = value.dims.length - 1;
  if (op?.outputs.length !== 1) return undefined;
  const inner = op.inputs[0] as TypedValue;
  const dims = [...value.dims.slice(0, -1), (value.dims[last] as number) / 2];
  if (op.opType === 'Concat') {
    return op.inputs.length === 2 && inner === op.inputs[1] && axisOf(op, last + 1, 0) === last
      ? inner
      : undefined;
  }
  if (op.opType === 'Mul') return scaledHalf(e, op);
  const half = inner && firstHalf(e, inner);
  if (!half) return undefined;
  if (UNARY.has(op.opType))
    return e.emit(op.opType, [half], [{ dtype: value.dtype, dims }], { ...op.attributes })[0];
  if (op.opType === 'Reshape' && inner.dims.at(-1) === value.dims[last]) return e.reshape(half, dims);
  const sliced =
    op.opType === 'Slice' && op.inputs.length === 4 && constantNumbers(op.inputs[3])?.[0] !== last;
  return sliced
    ? e.emit('Slice', [half, ...op.inputs.slice(1)], [{ dtype: value.dtype, dims }])[0]
    : undefined;
}

function scaledHalf(e: Emitter, op: Operation): TypedValue | undefined {
  const [a, b] = op.inputs as [TypedValue, TypedValue];
  const [x, factor] = a.constant ? [b, a] : [a, b];
  if (factor.constant?.data.length !== 1 || factor.dims.length > x.dims.length) return undefined;
  const half = firstHalf(e, x);
  return half && e.mul(half, factor);
}

function rotated(e: Emitter, x: TypedValue, cos: TypedValue, sin: TypedValue): TypedValue | undefined {
  const [batch, , length, width] = x.dims as [number, number, number, number];
  const fits = ({ dims }: TypedValue) =>
    dims.length === 4 &&
    (dims[0] === 1 || dims[0] === batch) &&
    dims[1] === 1 &&
    dims[2] === length &&
    dims[3] === width;
  if (x.dims.length !== 4 || x.dtype !== 'float32' || !fits(cos) || !fits(sin) || cos.dims[0] !== sin.dims[0])
    return undefined;
  const halves = [firstHalf(e, cos), firstHalf(e, sin)];
  if (!halves[0] || !halves[1]) return undefined;
  const rows = (cos.dims[0] as number) * length;
  const caches = halves.map((half) => e.reshape(half!, [rows, width / 2]));
  // The caches already hold one row for each position of the batch, so the positions merely count rows.
  const ids = Array.from({ length: batch * length }, (_, i) => i % rows);
  const positions = e.reshape(e.ints(ids), [batch, length]);
  if (sizeOf(x.dims) === 0) return undefined;
  const output = [{ dtype: x.dtype, dims: x.dims }];
  return e.emit('RotaryEmbedding', [x, positions, ...caches], output, {}, 'com.microsoft')[0];
}
