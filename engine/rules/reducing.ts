import { reducedDims, sizeOf } from '../ir/shapes.ts';
import { axisOf, numberOf, reductionAxes, type TypedValue } from '../ir/value.ts';
import type { Rule, RuleContext } from './rule.ts';

/** The output's gradient, with the reduced axes put back as 1. */
function kept({ e, op, x, dy }: RuleContext): TypedValue {
  return e.reshape(dy, reducedDims(x[0]!.dims, reductionAxes(op), true));
}

function spread(c: RuleContext, value: TypedValue): TypedValue {
  return c.e.expand(value, c.x[0]!.dims);
}

function countOf({ op, x }: RuleContext): number {
  return reductionAxes(op).reduce((n, axis) => n * (x[0]!.dims[axis] as number), 1);
}

/** Elements that tie for the result share the gradient. */
const reduceExtreme: Rule = (c) => {
  const { e, op, x, y, dy } = c;
  const axes = reductionAxes(op);
  const dims = reducedDims(x[0]!.dims, axes, true);
  const wins = e.cast(e.binary('Equal', x[0]!, e.reshape(y, dims), 'bool'), dy.dtype);
  return [e.mul(e.div(kept(c), e.sum(wins, axes)), wins)];
};

/** Trailing axes, from `axis` on, that a normalization works over. */
function normAxes({ op, x }: RuleContext): number[] {
  const rank = x[0]!.dims.length;
  const first = axisOf(op, rank, -1);
  return Array.from({ length: rank - first }, (_, i) => first + i);
}

/** LayerNormalization; the mean and inverse deviation come from the forward operation. */
const layerNorm: Rule = (c) => {
  const { e, op, dy } = c;
  const [x, scale] = c.x as [TypedValue, TypedValue];
  const axes = normAxes(c);
  const statistics = reducedDims(x.dims, axes, true);
  while (op.outputs.length < 3) e.appendOutput(op, 'float32', statistics);
  const [, mean, deviation] = op.outputs as [TypedValue, TypedValue, TypedValue];
  const normal = e.mul(e.sub(x, mean), deviation);
  const dnormal = e.mul(dy, scale);
  const dx = e.sub(
    e.sub(dnormal, e.mean(dnormal, axes)),
    e.mul(normal, e.mean(e.mul(dnormal, normal), axes)),
  );
  return [e.mul(dx, deviation), e.mul(dy, normal), dy];
};

/** y = x / rms(x) * scale. */
const rmsNorm: Rule = (c) => {
  const { e, op, dy } = c;
  const [x, scale] = c.x as [TypedValue, TypedValue];
  const axes = normAxes(c);
  const square = e.shift(e.mean(e.mul(x, x), axes), numberOf(op, 'epsilon', 1e-5));
  const inverse = e.unary('Reciprocal', e.unary('Sqrt', square));
  const normal = e.mul(x, inverse);
  const dnormal = e.mul(dy, scale);
  const dx = e.sub(dnormal, e.mul(normal, e.mean(e.mul(dnormal, normal), axes)));
  return [e.mul(dx, inverse), e.mul(dy, normal)];
};

/**
 * sum(dy * y) along `axis`. In attention y weighs values V and dy = dO V^T, so that the sum is that of dO * (y V), which
 * is narrower, and y V is there from the forward run.
 */
function weightedSum({ e, y, dy }: RuleContext, axis: number): TypedValue {
  const last = y.dims.length - 1;
  const product = dy.op?.opType === 'FusedMatMul' && axis === last ? dy.op : undefined;
  const plain = product && numberOf(product, 'transA', 0) === 0 && numberOf(product, 'alpha', 1) === 1;
  const [outer, values] = (product?.inputs ?? []) as TypedValue[];
  if (
    !plain ||
    !outer ||
    !values ||
    numberOf(product, 'transB', 0) !== 1 ||
    values.dims.length !== y.dims.length
  ) {
    return e.sum(e.mul(dy, y), [axis]);
  }
  return e.sum(e.mul(outer, e.matmul(y, values)), [axis]);
}

/** x / norm(x) along an axis, by the norm of order 1 or 2; ONNX Runtime leaves zeros as they are. */
const lpNormalization: Rule = ({ e, op, x: [x], y, dy }) => {
  const axis = axisOf(op, x!.dims.length, -1);
  const first = numberOf(op, 'p', 2) === 1;
  const norm = e.sum(first ? e.unary('Abs', x!) : e.mul(x!, x!), [axis]);
  const along = e.mul(first ? e.unary('Sign', x!) : y, e.sum(e.mul(dy, y), [axis]));
  const slope = e.div(e.sub(dy, along), first ? norm : e.unary('Sqrt', norm));
  return [e.where(e.compare('Equal', norm, 0), e.zero(dy), slope)];
};

export const reducing: Record<string, Rule> = {
  ReduceSum: (c) => [spread(c, kept(c))],
  ReduceMean: (c) => [spread(c, c.e.scale(kept(c), 1 / countOf(c)))],
  ReduceMax: reduceExtreme,
  ReduceMin: reduceExtreme,
  ReduceL1: (c) => [c.e.mul(spread(c, kept(c)), c.e.unary('Sign', c.x[0]!))],
  /** The derivative of the norm of zeros is taken as 0. */
  ReduceL2: (c) => {
    const { e, x, y, dy } = c;
    const share = e.where(e.compare('Equal', y, 0), e.zero(dy), e.div(dy, y));
    return [e.mul(x[0]!, kept({ ...c, dy: share }))];
  },
  ReduceSumSquare: (c) => [c.e.mul(c.e.scale(c.x[0]!, 2), kept(c))],
  ReduceLogSum: (c) => [spread(c, kept({ ...c, dy: c.e.div(c.dy, c.e.unary('Exp', c.y)) }))],
  ReduceLogSumExp: (c) => {
    const { e, x, y } = c;
    return [e.mul(kept(c), e.unary('Exp', e.sub(x[0]!, kept({ ...c, dy: y }))))];
  },
  GlobalMaxPool: ({ e, x: [x], y, dy }) => {
    const wins = e.cast(e.binary('Equal', x!, y, 'bool'), dy.dtype);
    const axes = x!.dims.map((_, i) => i).slice(2);
    return [e.mul(wins, e.div(dy, e.sum(wins, axes)))];
  },
  LpNormalization: lpNormalization,
  GlobalAveragePool: ({ e, x: [x], dy }) => [e.expand(e.scale(dy, 1 / sizeOf(x!.dims.slice(2))), x!.dims)],
  Softmax: (c) => {
    const axis = axisOf(c.op, c.y.dims.length, -1);
    return [c.e.mul(c.y, c.e.sub(c.dy, weightedSum(c, axis)))];
  },
  LogSoftmax: ({ e, op, x: [x], dy }) => {
    const axis = axisOf(op, x!.dims.length, -1);
    return [e.sub(dy, e.mul(e.softmax(x!, axis), e.sum(dy, [axis])))];
  },
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  SimplifiedLayerNormalization: rmsNorm,
};
