import { axisOf, constantNumbers, numberOf, numbersOf, stringOf, type TypedValue } from '../ir/value.ts';
import { float32 } from '../onnx/tensor.ts';
import { alongAxis, scatterRows } from './indexing.ts';
import { NoGradient, type Rule, type RuleContext } from './rule.ts';

const reshaped: Rule = ({ e, x: [x], dy }) => [e.reshape(dy, x!.dims)];

const inverse = (perm: readonly number[]) => perm.map((_, axis) => perm.indexOf(axis));

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
    dx = scatterRows(c.e, dx, axis, kept[i]!, x.dims[axis] as number);
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

/** For each place along a padded axis the element of the input that stands there. */
const PADDED: Record<string, (place: number, size: number) => number> = {
  edge: (place, size) => Math.min(Math.max(place, 0), size - 1),
  wrap: (place, size) => ((place % size) + size) % size,
  reflect: (place, size) => {
    const period = Math.max(2 * (size - 1), 1);
    const folded = ((place % period) + period) % period;
    return Math.min(folded, period - folded) % size;
  },
};

function padGradient(c: RuleContext): (TypedValue | null)[] {
  const { e, op, dy } = c;
  const x = c.x[0]!;
  const given = constantNumbers(op.inputs[1]);
  if (!given || (op.inputs[3] && !op.inputs[3].constant))
    throw new NoGradient('its padding is not known beforehand');
  const axes = constantNumbers(op.inputs[3])?.map((axis) => (axis < 0 ? axis + x.dims.length : axis));
  const chosen = axes ?? x.dims.map((_, i) => i);
  const mode = PADDED[stringOf(op, 'mode', 'constant')];
  const dx = chosen.reduce((part, axis, i) => {
    const [before, after] = [given[i]!, given[i + chosen.length]!];
    const size = x.dims[axis]!;
    if (mode && (before !== 0 || after !== 0)) {
      const sources = Array.from({ length: size + before + after }, (_, j) => mode(j - before, size));
      return scatterRows(e, part, axis, sources, size);
    }
    const kept = e.slice(part, axis, Math.max(before, 0), part.dims[axis]! - Math.max(after, 0));
    const lost = (count: number) => x.dims.map((_, j) => (j === axis ? Math.max(-count, 0) : 0));
    return e.pad(kept, lost(before), lost(after));
  }, dy);
  const all = (value: TypedValue) =>
    e.sum(
      value,
      value.dims.map((_, i) => i),
      false,
    );
  return [dx, null, op.inputs[2] ? e.sub(all(dy), all(dx)) : null];
}

/**
 * Resizing is a product with a matrix along each axis; what the operation makes of the identity is that matrix, so that
 * every mode of every version is followed exactly.
 */
function resizeGradient(c: RuleContext): TypedValue {
  const { e, op, dy } = c;
  const x = c.x[0]!;
  const rank = x.dims.length;
  const [, roi, scales] = op.inputs;
  const numbers = [roi, scales].map(constantNumbers);
  if ([roi, scales, op.inputs[3]].some((value) => value && !value.constant))
    throw new NoGradient('its sizes are not known beforehand');
  if (stringOf(op, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch')
    throw new NoGradient('keep_aspect_ratio_policy has no rule; export the sizes themselves');
  const crops = stringOf(op, 'coordinate_transformation_mode', 'half_pixel') === 'tf_crop_and_resize';
  const axes = (numbersOf(op, 'axes') ?? x.dims.map((_, i) => i)).map((axis) =>
    axis < 0 ? axis + rank : axis,
  );
  const { axes: _, keep_aspect_ratio_policy: __, ...attributes } = op.attributes;
  return axes.reduce((part, axis, i) => {
    const [size, made] = [x.dims[axis]!, dy.dims[axis]!];
    const scale = numbers[1]?.length ? numbers[1][i]! : made / size;
    if (scale === 1 && !crops) return part;
    const region = crops ? [0, 0, 0, numbers[0]![i]!, 1, 1, 1, numbers[0]![i + axes.length]!] : [];
    const target = numbers[1]?.length
      ? [e.constant(float32([4], [1, 1, 1, scale]))]
      : [null, e.ints([size, 1, 1, made])];
    const eye = Float32Array.from({ length: size * size }, (_, j) => (j % (size + 1) === 0 ? 1 : 0));
    const inputs = [
      e.constant(float32([size, 1, 1, size], eye)),
      e.constant(float32([region.length], region)),
      ...target,
    ];
    const output = [{ dtype: 'float32' as const, dims: [size, 1, 1, made] }];
    const matrix = e.emit('Resize', inputs, output, { ...attributes, extrapolation_value: 0 })[0]!;
    return alongAxis(e, e.cast(e.reshape(matrix, [size, made]), dy.dtype), part, axis);
  }, dy);
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
  Pad: padGradient,
  Resize: (c) => [resizeGradient(c)],
  Trilu: ({ e, op, x: [, k], dy }) => {
    const inputs = k ? [dy, k] : [dy];
    return [e.emit('Trilu', inputs, [{ dtype: dy.dtype, dims: dy.dims }], { ...op.attributes })[0]!];
  },
  /** Done twice, it changes nothing. */
  ReverseSequence: ({ e, op, x: [, lengths], dy }) => [
    e.emit('ReverseSequence', [dy, lengths!], [{ dtype: dy.dtype, dims: dy.dims }], { ...op.attributes })[0]!,
  ],
  CumSum: ({ e, op, x: [, axis], dy }) => {
    const reverse = 1 - numberOf(op, 'reverse', 0);
    const attributes = { reverse, exclusive: numberOf(op, 'exclusive', 0) };
    return [e.emit('CumSum', [dy, axis!], [{ dtype: dy.dtype, dims: dy.dims }], attributes)[0]!, null];
  },
};
