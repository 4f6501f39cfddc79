import { sizeOf } from '../ir/shapes.ts';
import { axisOf, constantNumbers, numberOf, stringOf, type TypedValue } from '../ir/value.ts';
import { float32 } from '../onnx/tensor.ts';
import { NoGradient, type Rule, type RuleContext } from './rule.ts';

const reshaped: Rule = ({ e, x: [x], dy }) => [e.reshape(dy, x!.dims)];

const inverse = (perm: readonly number[]) => perm.map((_, axis) => perm.indexOf(axis));

/**
 * Adds rows of `dy` along `axis` to the rows `indices` of a tensor of `dims`, by a product with a constant of zeros
 * and ones: every element of the result is one fixed sum, whatever the number of threads.
 */
function scatterRows(
  c: RuleContext,
  axis: number,
  indices: readonly number[],
  dims: readonly number[],
): TypedValue {
  const size = dims[axis] as number;
  const choice = new Float32Array(size * indices.length);
  indices.forEach((index, row) => {
    choice[(index < 0 ? index + size : index) * indices.length + row] = 1;
  });
  const inner = sizeOf(dims.slice(axis + 1));
  const rows = c.e.reshape(c.dy, [sizeOf(dims.slice(0, axis)), indices.length, inner]);
  const matrix = c.e.cast(c.e.constant(float32([size, indices.length], choice)), c.dy.dtype);
  return c.e.reshape(c.e.matmul(matrix, rows), dims);
}

function sliceGradient(c: RuleContext): TypedValue {
  const x = c.x[0]!;
  const [starts, ends, axesGiven, stepsGiven] = c.x.slice(1).map(constantNumbers);
  if (!starts || !ends) throw new NoGradient('its bounds are not known beforehand');
  const axes = (axesGiven ?? starts.map((_, i) => i)).map((axis) => (axis < 0 ? axis + x.dims.length : axis));
  const steps = stepsGiven ?? starts.map(() => 1);
  const before = x.dims.map(() => 0);
  const after = x.dims.map(() => 0);
  const kept = axes.map((axis, i) => indicesOf(x.dims[axis] as number, starts[i]!, ends[i]!, steps[i]!));
  if (steps.every((step) => step === 1)) {
    axes.forEach((axis, i) => {
      before[axis] = kept[i]![0] ?? 0;
      after[axis] = (x.dims[axis] as number) - (before[axis] as number) - kept[i]!.length;
    });
    return c.e.pad(c.dy, before, after);
  }
  let dx = c.dy;
  axes.forEach((axis, i) => {
    const dims = dx.dims.map((dim, j) => (j === axis ? (x.dims[axis] as number) : dim));
    dx = scatterRows({ ...c, dy: dx }, axis, kept[i]!, dims);
  });
  return dx;
}

/** Indices that a slice keeps (ONNX clamps the bounds). */
function indicesOf(size: number, start: number, end: number, step: number): number[] {
  const clamp = (index: number, low: number, high: number) =>
    Math.min(Math.max(index < 0 ? index + size : index, low), high);
  const kept: number[] = [];
  if (step > 0) for (let i = clamp(start, 0, size); i < clamp(end, 0, size); i += step) kept.push(i);
  else for (let i = clamp(start, 0, size - 1); i > clamp(end, -1, size - 1); i += step) kept.push(i);
  return kept;
}

/** Moves `axis` to the end. */
function last(c: RuleContext, x: TypedValue, axis: number): TypedValue {
  const order = x.dims.map((_, i) => i).filter((i) => i !== axis);
  return c.e.transpose(x, [...order, axis]);
}

function gatherElementsGradient(c: RuleContext): TypedValue {
  const { e, op } = c;
  const [x, indices] = c.x as [TypedValue, TypedValue];
  const axis = axisOf(op, x.dims.length, 0);
  if (x.dims.some((dim, i) => i !== axis && dim !== indices.dims[i])) {
    throw new NoGradient('its indices cover only part of an axis other than the gathered one');
  }
  const depth = x.dims[axis] as number;
  const index = last(c, indices, axis);
  const grown = [...index.dims, depth];
  const values = e.constant(float32([2], [0, 1]));
  const hot = e.emit('OneHot', [index, e.ints([depth]), values], [{ dtype: 'float32', dims: grown }])[0]!;
  const dy = last(c, c.dy, axis);
  const rows = e.sum(
    e.mul(e.cast(hot, dy.dtype), e.reshape(dy, [...dy.dims, 1])),
    [index.dims.length - 1],
    false,
  );
  const order = x.dims.map((_, i) => i).filter((i) => i !== axis);
  return e.transpose(rows, inverse([...order, axis]));
}

export const shaping: Record<string, Rule> = {
  Reshape: reshaped,
  Transpose: ({ e, op, dy }) => [e.transpose(dy, inverse(op.attributes.perm as number[]))],
  Expand: ({ dy }) => [dy],
  Tile: ({ e, x: [x], op, dy }) => {
    const repeats = constantNumbers(op.inputs[1]);
    if (!repeats) throw new NoGradient('its repeats are not known beforehand');
    const split = e.reshape(
      dy,
      x!.dims.flatMap((dim, i) => [repeats[i]!, dim]),
    );
    return [
      e.sum(
        split,
        x!.dims.map((_, i) => 2 * i),
        false,
      ),
    ];
  },
  Concat: ({ e, op, x, dy }) => {
    const axis = axisOf(op, dy.dims.length, 0);
    let start = 0;
    return x.map((part) => {
      const end = start + (part.dims[axis] as number);
      const piece = e.slice(dy, axis, start, end);
      start = end;
      return piece;
    });
  },
  Split: ({ e, op, dys }) => {
    const axis = axisOf(op, op.outputs[0]!.dims.length, 0);
    return [
      e.concat(
        op.outputs.map((y, i) => dys[i] ?? e.fill(0, y.dims, y.dtype)),
        axis,
      ),
    ];
  },
  Slice: (c) => [sliceGradient(c)],
  Pad: ({ e, op, x: [x], dy }) => {
    const pads = constantNumbers(op.inputs[1]);
    const mode = stringOf(op, 'mode', 'constant');
    if (!pads || op.inputs[3] || mode !== 'constant')
      throw new NoGradient(`only constant padding of all axes has a rule`);
    if (pads.some((count) => count < 0)) throw new NoGradient('its padding is negative');
    return [x!.dims.reduce((part, dim, i) => e.slice(part, i, pads[i]!, pads[i]! + dim), dy)];
  },
  Gather: (c) => {
    const [x, index] = c.x as [TypedValue, TypedValue];
    const indices = constantNumbers(index);
    if (!indices) {
      throw new NoGradient(
        'its indices change from run to run; give the gathered rows as an input and add up their gradients outside the graph',
      );
    }
    return [scatterRows(c, axisOf(c.op, x.dims.length, 0), indices, x.dims), null];
  },
  GatherElements: (c) => [gatherElementsGradient(c), null],
  ScatterND: ({ e, op, x: [x, indices, updates], dy }) => {
    if (stringOf(op, 'reduction', 'none') !== 'none')
      throw new NoGradient('it adds up, only replacing has a rule');
    const output = [{ dtype: dy.dtype, dims: updates!.dims }];
    return [
      e.emit(
        'ScatterND',
        [dy, indices!, e.fill(0, updates!.dims, dy.dtype)],
        [{ dtype: dy.dtype, dims: x!.dims }],
      )[0]!,
      null,
      e.emit('GatherND', [dy, indices!], output)[0]!,
    ];
  },
  CumSum: ({ e, op, x: [, axis], dy }) => {
    const reverse = 1 - numberOf(op, 'reverse', 0);
    const attributes = { reverse, exclusive: numberOf(op, 'exclusive', 0) };
    return [e.emit('CumSum', [dy, axis!], [{ dtype: dy.dtype, dims: dy.dims }], attributes)[0]!, null];
  },
};
