import type { Emitter } from '../ir/emitter.ts';
import { sizeOf } from '../ir/shapes.ts';
import { axisOf, constantNumbers, numberOf, stringOf, type TypedValue } from '../ir/value.ts';
import { float32 } from '../onnx/tensor.ts';
import { NoGradient, type Rule, type RuleContext } from './rule.ts';

/** A matrix [to, from] times `value` along one axis of `from` elements. */
export function alongAxis(e: Emitter, matrix: TypedValue, value: TypedValue, axis: number): TypedValue {
  const [to, from] = matrix.dims as [number, number];
  const [outer, inner] = [sizeOf(value.dims.slice(0, axis)), sizeOf(value.dims.slice(axis + 1))];
  const product = e.matmul(matrix, e.reshape(value, [outer, from, inner]));
  return e.reshape(
    product,
    value.dims.map((dim, i) => (i === axis ? to : dim)),
  );
}

/** Rows of a constant lookup that meet at one place more often than this are added up by a product instead. */
const LAYERS = 4;

/**
 * Adds rows of `dy` along `axis` to `size` rows, each to the one that `indices` names. Every element of the result is
 * one fixed sum, whatever the number of threads: where few rows meet, lookups of the rows that come first, second, ...
 * at each place (zeros where there is none); else a product with a constant of zeros and ones.
 */
export function scatterRows(
  e: Emitter,
  dy: TypedValue,
  axis: number,
  indices: readonly number[],
  size: number,
): TypedValue {
  const sources = Array.from({ length: size }, (): number[] => []);
  indices.forEach((index, row) => void sources[index < 0 ? index + size : index]!.push(row));
  const most = sources.reduce((max, rows) => Math.max(max, rows.length), 1);
  if (most > LAYERS) {
    const choice = new Float32Array(size * indices.length);
    sources.forEach((rows, index) => {
      for (const row of rows) choice[index * indices.length + row] = 1;
    });
    return alongAxis(e, e.cast(e.constant(float32([size, indices.length], choice)), dy.dtype), dy, axis);
  }
  const rest = dy.dims.map((dim, i) => (i === axis ? 1 : dim));
  const padded = e.concat([dy, e.expand(e.zero(dy), rest)], axis);
  const output = [{ dtype: dy.dtype, dims: dy.dims.map((dim, i) => (i === axis ? size : dim)) }];
  const layers = Array.from({ length: most }, (_, layer) => {
    const rows = e.ints(sources.map((list) => list[layer] ?? indices.length));
    return e.emit('Gather', [padded, rows], output, { axis })[0]!;
  });
  return layers.reduce((sum, layer) => e.add(sum, layer));
}

const MOVING =
  'its indices change from run to run; give the gathered rows as an input and add up their gradients outside the graph';

const gather: Rule = ({ e, op, x: [x, index], dy }) => {
  const indices = constantNumbers(index);
  if (!indices) throw new NoGradient(MOVING);
  const axis = axisOf(op, x!.dims.length, 0);
  const dims = [...x!.dims.slice(0, axis), indices.length, ...x!.dims.slice(axis + 1)];
  return [scatterRows(e, e.reshape(dy, dims), axis, indices, x!.dims[axis]!), null];
};

/** Moves `axis` to the end. */
function last({ e }: RuleContext, x: TypedValue, axis: number): TypedValue {
  return e.transpose(x, [...x.dims.map((_, i) => i).filter((i) => i !== axis), axis]);
}

/** The gradient by `x` of the elements of `x` at `indices` along `axis`, which may change from run to run. */
function elementsGradient(c: RuleContext, x: TypedValue, indices: TypedValue, axis: number): TypedValue {
  const { e } = c;
  const depth = x.dims[axis]!;
  const index = e.cast(last(c, indices, axis), 'int64');
  const values = e.constant(float32([2], [0, 1]));
  const grown = [{ dtype: 'float32' as const, dims: [...index.dims, depth] }];
  const hot = e.emit('OneHot', [index, e.ints([depth]), values], grown)[0]!;
  const dy = last(c, c.dy, axis);
  const chosen = e.mul(e.cast(hot, dy.dtype), e.reshape(dy, [...dy.dims, 1]));
  const rows = e.sum(chosen, [index.dims.length - 1], false);
  const order = [...x.dims.map((_, i) => i).filter((i) => i !== axis), axis];
  const covered = e.transpose(
    rows,
    x.dims.map((_, i) => order.indexOf(i)),
  );
  return e.pad(
    covered,
    x.dims.map(() => 0),
    x.dims.map((dim, i) => dim - covered.dims[i]!),
  );
}

/** Places of the looked-up slices in `x` seen as [places, slice]. */
function placesOf(
  x: TypedValue,
  indices: TypedValue,
  batch: number,
): { places: number[]; inner: readonly number[] } {
  const numbers = constantNumbers(indices);
  if (!numbers) throw new NoGradient(MOVING);
  const width = indices.dims.at(-1)!;
  const axes = x.dims.slice(batch, batch + width);
  const tuples = sizeOf(indices.dims.slice(0, -1));
  const perBatch = tuples / sizeOf(x.dims.slice(0, batch));
  const places = Array.from({ length: tuples }, (_, tuple) =>
    axes.reduce(
      (place, size, i) => {
        const index = numbers[tuple * width + i]!;
        return place * size + (index < 0 ? index + size : index);
      },
      Math.floor(tuple / perBatch),
    ),
  );
  return { places, inner: x.dims.slice(batch + width) };
}

/** Adds slices of `dy` to the places of `x` that constant `indices` name. */
function addSlices(
  e: Emitter,
  dy: TypedValue,
  x: TypedValue,
  indices: TypedValue,
  batch: number,
): TypedValue {
  const { places, inner } = placesOf(x, indices, batch);
  const size = sizeOf(inner);
  const rows = e.reshape(dy, [places.length, size]);
  return e.reshape(scatterRows(e, rows, 0, places, sizeOf(x.dims) / size), x.dims);
}

/** Scatters replace; those that add pass the gradient on to both sides. */
function scatter(look: string): Rule {
  return ({ e, op, x: [x, indices, updates], dy }) => {
    const reduction = stringOf(op, 'reduction', 'none');
    if (reduction !== 'none' && reduction !== 'add')
      throw new NoGradient(`the reduction '${reduction}' has no rule`);
    if (reduction === 'add' && op.opType === 'ScatterND' && !indices!.constant)
      throw new NoGradient(
        'adding at indices that change from run to run races between threads in ONNX Runtime',
      );
    const { reduction: _, ...attributes } = op.attributes;
    const read = e.emit(look, [dy, indices!], [{ dtype: dy.dtype, dims: updates!.dims }], attributes)[0]!;
    if (reduction === 'add') return [dy, null, read];
    const inputs = [dy, indices!, e.fill(0, updates!.dims, dy.dtype)];
    return [e.emit(op.opType, inputs, [{ dtype: dy.dtype, dims: x!.dims }], attributes)[0]!, null, read];
  };
}

export const indexing: Record<string, Rule> = {
  Gather: gather,
  GatherElements: (c) => [elementsGradient(c, c.x[0]!, c.x[1]!, axisOf(c.op, c.x[0]!.dims.length, 0)), null],
  GatherND: ({ e, op, x: [x, indices], dy }) => [
    addSlices(e, dy, x!, indices!, numberOf(op, 'batch_dims', 0)),
    null,
  ],
  ScatterElements: scatter('GatherElements'),
  ScatterND: scatter('GatherND'),
  TopK: (c) => [elementsGradient(c, c.x[0]!, c.op.outputs[1]!, axisOf(c.op, c.x[0]!.dims.length, -1)), null],
};
