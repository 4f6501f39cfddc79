import type { Device } from '../../schemas/device.ts';
import type { Emitter } from '../ir/emitter.ts';
import { reducedDims, sizeOf } from '../ir/shapes.ts';
import { axisOf, constantNumbers, numberOf, type TypedValue } from '../ir/value.ts';
import { int64 } from '../onnx/tensor.ts';
import { type RewriteRule, rewrite } from './rewrite.ts';

/** Transposed and scaled products as Transpose, MatMul and, on the smallest of the three, a factor. */
const plainProduct: RewriteRule = ({ e, op, inputs }) => {
  if (op.opType !== 'FusedMatMul' || numberOf(op, 'transBatchA', 0) || numberOf(op, 'transBatchB', 0))
    return undefined;
  const [x, y] = inputs as [TypedValue, TypedValue];
  const a = numberOf(op, 'transA', 0) ? e.flip(x) : x;
  const b = numberOf(op, 'transB', 0) ? e.flip(y) : y;
  const alpha = numberOf(op, 'alpha', 1);
  const sizes = [a, b, op.outputs[0] as TypedValue].map(({ dims }) => sizeOf(dims));
  const smallest = sizes.indexOf(Math.min(...sizes));
  if (smallest === 0) return e.matmul(e.scale(a, alpha), b);
  return smallest === 1 ? e.matmul(a, e.scale(b, alpha)) : e.scale(e.matmul(a, b), alpha);
};

/** x - max - log(sum(exp(x - max))). */
const logSoftmax =
  (opset: number): RewriteRule =>
  ({ e, op, inputs: [x] }) => {
    if (op.opType !== 'LogSoftmax' || !x) return undefined;
    const axis = axisOf(op, x.dims.length, -1);
    const output = [{ dtype: x.dtype, dims: reducedDims(x.dims, [axis], true) }];
    const top =
      opset < 18
        ? e.emit('ReduceMax', [x], output, { axes: [axis], keepdims: 1 })
        : e.emit('ReduceMax', [x, e.ints([axis])], output, { keepdims: 1 });
    const shifted = e.sub(x, top[0] as TypedValue);
    return e.sub(shifted, e.unary('Log', e.sum(e.unary('Exp', shifted), [axis])));
  };

/** Along the last axis: a comparison of 32-bit indices with 0, 1, 2, ... */
const oneHot: RewriteRule = ({ e, op, inputs }) => {
  if (op.opType !== 'OneHot') return undefined;
  const [indices, depth, values] = inputs as [TypedValue, TypedValue, TypedValue];
  const [count] = constantNumbers(depth) ?? [];
  const out = op.outputs[0] as TypedValue;
  if (
    count === undefined ||
    out.dtype !== 'float32' ||
    axisOf(op, out.dims.length, -1) !== out.dims.length - 1
  )
    return undefined;
  const zeroBased = e.where(
    e.compare('Less', indices, 0),
    e.add(indices, e.fill(count, [], indices.dtype)),
    indices,
  );
  const column = e.cast(e.reshape(zeroBased, [...indices.dims, 1]), 'int32');
  const places = {
    dtype: 'int32' as const,
    dims: [count],
    data: Int32Array.from({ length: count }, (_, i) => i),
  };
  const hit = e.binary('Equal', column, e.constant(places), 'bool');
  const value = (index: number) =>
    values.constant
      ? e.fill(constantNumbers(values)?.[index] ?? 0)
      : e.reshape(
          e.emit('Gather', [values, e.constant(int64([1], [index]))], [{ dtype: values.dtype, dims: [1] }], {
            axis: 0,
          })[0] as TypedValue,
          [],
        );
  return e.where(hit, value(1), value(0));
};

/** A sum of several as a chain. */
const chainedSum: RewriteRule = ({ e, op, inputs }) =>
  op.opType === 'Sum' && !op.domain
    ? (inputs as TypedValue[]).reduce((sum, part) => e.add(sum, part))
    : undefined;

/** Writes what a device has no kernel for in operations that it has. `opset` is the one that the graph is written in. */
export function lowerFor(
  device: Device,
  e: Emitter,
  targets: Map<string, TypedValue>,
  opset: number,
): Map<string, TypedValue> {
  if (device !== 'webgpu') return targets;
  return rewrite(e, targets, [plainProduct, logSoftmax(opset), oneHot, chainedSum]);
}
