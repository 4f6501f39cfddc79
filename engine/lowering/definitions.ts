import type { Emitter } from '../ir/emitter.ts';
import { reducedDims, sizeOf } from '../ir/shapes.ts';
import { constantNumbers, type TypedValue } from '../ir/value.ts';
import { float32, int64 } from '../onnx/tensor.ts';
import { type Lowering, type LoweringContext, numberIn } from './lowering.ts';

/** Rarely used operations, written out as ONNX defines them: they need no rule of their own. */

const axesFrom = (x: TypedValue, first: number) => x.dims.map((_, i) => i).slice(first);

/** A value for each channel, beside [batch, channels, ...]. */
const perChannel = (e: Emitter, value: TypedValue, x: TypedValue) =>
  e.reshape(value, [x.dims[1]!, ...axesFrom(x, 2).map(() => 1)]);

/** Mean 0 and variance 1 over `axes`. */
function normalised(e: Emitter, x: TypedValue, axes: readonly number[], epsilon: number): TypedValue {
  const centred = e.sub(x, e.mean(x, axes));
  return e.div(centred, e.unary('Sqrt', e.shift(e.mean(e.mul(centred, centred), axes), epsilon)));
}

/** Outside of training it keeps everything. */
const dropout: Lowering = ({ e, x, inputs, outputs }) => {
  if (inputs[2] && constantNumbers(inputs[2])?.[0] !== 0) return undefined;
  return outputs.length === 1 ? [x] : [x, e.fill(1, x.dims, 'bool')];
};

const batchNormalization: Lowering = (c) => {
  const { e, x, inputs } = c;
  if (numberIn(c, 'training_mode', 0) === 1) return undefined;
  const [scale, bias, mean, variance] = inputs.slice(1).map((value) => perChannel(e, value!, x));
  const inverse = e.div(scale!, e.unary('Sqrt', e.shift(variance!, numberIn(c, 'epsilon', 1e-5))));
  return [e.add(e.mul(e.sub(x, mean!), inverse), bias!)];
};

const instanceNormalization: Lowering = (c) => {
  const { e, x, inputs } = c;
  const normal = normalised(e, x, axesFrom(x, 2), numberIn(c, 'epsilon', 1e-5));
  return [e.add(e.mul(normal, perChannel(e, inputs[1]!, x)), perChannel(e, inputs[2]!, x))];
};

/** Scale and bias are one a group up to opset 20, one a channel from 21 on. */
const groupNormalization: Lowering = (c) => {
  const { e, x, inputs } = c;
  const [batch, channels] = x.dims as [number, number];
  const groups = numberIn(c, 'num_groups', 1);
  const grouped = e.reshape(x, [batch, groups, sizeOf(x.dims) / (batch * groups)]);
  const normal = e.reshape(normalised(e, grouped, [2], numberIn(c, 'epsilon', 1e-5)), x.dims);
  const [scale, bias] = inputs.slice(1).map((value) => {
    const each = value!.dims[0] === channels ? channels : groups;
    const repeated = e.expand(e.reshape(value!, [each, 1]), [each, channels / each]);
    return perChannel(e, e.reshape(repeated, [channels]), x);
  });
  return [e.add(e.mul(normal, scale!), bias!)];
};

const meanVarianceNormalization: Lowering = ({ e, x, attributes }) => {
  const given = (attributes.axes as number[] | undefined) ?? [0, 2, 3];
  return [
    normalised(
      e,
      x,
      given.map((axis) => (axis < 0 ? axis + x.dims.length : axis)),
      1e-9,
    ),
  ];
};

/** x / (bias + alpha / size * sum of squares over `size` neighbouring channels)^beta. */
const localResponse: Lowering = (c) => {
  const { e, x } = c;
  const [size, channels] = [numberIn(c, 'size', 1), x.dims[1]!];
  const before = Math.floor((size - 1) / 2);
  const pads = (count: number) => x.dims.map((_, i) => (i === 1 ? count : 0));
  const squares = e.pad(e.mul(x, x), pads(before), pads(size - 1 - before));
  const windows = Array.from({ length: size }, (_, i) => e.slice(squares, 1, i, i + channels));
  const sum = windows.reduce((a, b) => e.add(a, b));
  const base = e.shift(e.scale(sum, numberIn(c, 'alpha', 1e-4) / size), numberIn(c, 'bias', 1));
  return [e.div(x, e.binary('Pow', base, e.fill(numberIn(c, 'beta', 0.75), [], x.dtype)))];
};

/** (sum |x|^p)^(1/p) over windows, as a convolution with ones. */
const lpPool: Lowering = (c) => {
  const { e, x, outputs, attributes } = c;
  const { p: _, ceil_mode: __, ...windows } = attributes;
  const p = numberIn(c, 'p', 2);
  if (numberIn(c, 'ceil_mode', 0) !== 0) return undefined;
  const powers = e.binary('Pow', e.unary('Abs', x), e.fill(p, [], x.dtype));
  const ones = e.fill(1, [x.dims[1]!, 1, ...(attributes.kernel_shape as number[])], x.dtype);
  const sums = e.emit('Conv', [powers, ones], outputs, { ...windows, group: x.dims[1]! })[0]!;
  return [e.binary('Pow', sums, e.fill(1 / p, [], x.dtype))];
};

const globalLpPool: Lowering = (c) => {
  const { e, x } = c;
  const p = numberIn(c, 'p', 2);
  const sums = e.sum(e.binary('Pow', e.unary('Abs', x), e.fill(p, [], x.dtype)), axesFrom(x, 2));
  return [e.binary('Pow', sums, e.fill(1 / p, [], x.dtype))];
};

/** Halves are multiplied with each other: unlike y / x, that is right where elements are 0. */
const reduceProd: Lowering = ({ e, x, inputs, attributes, outputs }) => {
  const given = (attributes.axes as number[] | undefined) ?? constantNumbers(inputs[1]);
  if (!given?.length && attributes.noop_with_empty_axes) return [x];
  const rank = x.dims.length;
  const axes = given?.length ? given.map((axis) => (axis < 0 ? axis + rank : axis)) : axesFrom(x, 0);
  const rest = axesFrom(x, 0).filter((axis) => !axes.includes(axis));
  const kept = reducedDims(x.dims, axes, false);
  let value = e.reshape(e.transpose(x, [...axes, ...rest]), [sizeOf(x.dims) / sizeOf(kept), ...kept]);
  for (let count = value.dims[0]!; count > 1; count = value.dims[0]!) {
    const half = Math.floor(count / 2);
    const product = e.mul(e.slice(value, 0, 0, half), e.slice(value, 0, half, 2 * half));
    value = count % 2 ? e.concat([product, e.slice(value, 0, 2 * half, count)], 0) : product;
  }
  return value.dims[0] === 1 ? [e.reshape(value, outputs[0]!.dims)] : undefined;
};

/** [batch, channels, height, width] with blocks of channels laid out over the plane. */
const depthToSpace: Lowering = (c) => {
  const { e, x, outputs, attributes } = c;
  const block = numberIn(c, 'blocksize', 1);
  const [batch, channels, height, width] = x.dims as [number, number, number, number];
  const depth = channels / (block * block);
  const columns = attributes.mode !== 'CRD';
  const split = columns ? [block, block, depth] : [depth, block, block];
  const order = columns ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
  return [e.reshape(e.transpose(e.reshape(x, [batch, ...split, height, width]), order), outputs[0]!.dims)];
};

const spaceToDepth: Lowering = (c) => {
  const { e, x, outputs } = c;
  const block = numberIn(c, 'blocksize', 1);
  const [batch, channels, height, width] = x.dims as [number, number, number, number];
  const blocks = e.reshape(x, [batch, channels, height / block, block, width / block, block]);
  return [e.reshape(e.transpose(blocks, [0, 3, 5, 1, 2, 4]), outputs[0]!.dims)];
};

/** Takes elements where a constant condition is true. */
const compress: Lowering = ({ e, x, inputs, outputs, attributes }) => {
  const condition = constantNumbers(inputs[1]);
  if (!condition) return undefined;
  const axis = attributes.axis as number | undefined;
  const chosen = condition.flatMap((yes, i) => (yes ? [i] : []));
  const from = axis === undefined ? e.reshape(x, [sizeOf(x.dims)]) : x;
  const indices = e.constant(int64([chosen.length], chosen));
  return e.emit('Gather', [from, indices], outputs, { axis: axis ?? 0 });
};

/** Each axis is cut or padded with zeros to its size, alike on both sides. */
const centerCropPad: Lowering = ({ e, x, outputs }) => {
  const dims = outputs[0]!.dims;
  return [
    x.dims.reduce((value, size, axis) => {
      const wanted = dims[axis]!;
      const before = Math.floor(Math.abs(size - wanted) / 2);
      if (size > wanted) return e.slice(value, axis, before, before + wanted);
      const zeros = (count: number) => value.dims.map((_, i) => (i === axis ? count : 0));
      return e.pad(value, zeros(before), zeros(wanted - size - before));
    }, x),
  ];
};

/** -log-probability of the target's class, weighted; `ignore_index` has no weight. */
function negativeLogLikelihood(c: LoweringContext, logs: TypedValue): TypedValue | undefined {
  const { e, inputs, attributes, outputs } = c;
  const [, target, weight] = inputs as [TypedValue, TypedValue, TypedValue | undefined];
  const classes = logs.dims[1]!;
  const labels = e.cast(target, 'int64');
  const values = e.constant(float32([2], [0, 1]));
  const shape = [{ dtype: 'float32' as const, dims: logs.dims }];
  const hot = e.cast(
    e.emit('OneHot', [labels, e.ints([classes]), values], shape, { axis: 1 })[0]!,
    logs.dtype,
  );
  const weighted = weight ? e.mul(hot, perChannel(e, weight, logs)) : hot;
  const ignored = attributes.ignore_index as number | undefined;
  const counts = e.sum(weighted, [1], false);
  const valid =
    ignored === undefined
      ? counts
      : e.where(e.binary('Equal', labels, e.constant(int64([], [ignored])), 'bool'), e.zero(counts), counts);
  const picked = e.sum(e.mul(logs, hot), [1], false);
  const losses = e.neg(e.mul(picked, valid));
  const reduction = attributes.reduction ?? 'mean';
  if (reduction === 'none') return e.reshape(losses, outputs[0]!.dims);
  const total = (value: TypedValue) => e.sum(value, axesFrom(value, 0), false);
  return reduction === 'sum' ? total(losses) : e.div(total(losses), total(valid));
}

const crossEntropy: Lowering = (c) => {
  const logs = c.e.logSoftmax(c.x, 1);
  const loss = negativeLogLikelihood(c, logs);
  return loss && [loss, logs];
};

export const DEFINITIONS: Record<string, Lowering> = {
  Dropout: dropout,
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  GroupNormalization: groupNormalization,
  MeanVarianceNormalization: meanVarianceNormalization,
  LRN: localResponse,
  LpPool: lpPool,
  GlobalLpPool: globalLpPool,
  ReduceProd: reduceProd,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Compress: compress,
  CenterCropPad: centerCropPad,
  CastLike: ({ e, x, outputs }) => [e.cast(x, outputs[0]!.dtype)],
  NegativeLogLikelihoodLoss: (c) => {
    const loss = negativeLogLikelihood(c, c.x);
    return loss && [loss];
  },
  SoftmaxCrossEntropyLoss: crossEntropy,
};
