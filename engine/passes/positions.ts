import type { Emitter } from '../ir/emitter.ts';
import { sizeOf } from '../ir/shapes.ts';
import {
  axisOf,
  constantNumbers,
  numberOf,
  type Operation,
  operationsOf,
  reductionAxes,
  type TypedValue,
} from '../ir/value.ts';
import { reemit, type Targets } from './rewrite.ts';

/** Elements [start, end) of one axis. */
interface Part {
  axis: number;
  start: number;
  end: number;
}
type Demand = Part | 'whole';

/** For each input the part that an operation needs to give `part` of its output; undefined: it needs all of them. */
type Row = (op: Operation, part: Part) => Demand[] | undefined;

const ELEMENTWISE =
  'Add Sub Mul Div Pow Neg Sqrt Reciprocal Exp Log Erf Tanh Sigmoid Relu Gelu Abs Sin Cos Where Cast Not And Or Equal Less LessOrEqual Greater GreaterOrEqual StopGradient StraightThrough';

/** Broadcast inputs are needed whole where they have one element along the axis. */
const aligned: Row = (op, part) =>
  op.inputs.map((value) => {
    const axis = part.axis - op.outputs[0]!.dims.length + (value?.dims.length ?? 0);
    return axis < 0 || value?.dims[axis] === 1 ? 'whole' : { ...part, axis };
  });

const beside =
  (absent: number): Row =>
  (op, part) =>
    axisOf(op, op.outputs[0]!.dims.length, absent) === part.axis ? undefined : op.inputs.map(() => part);

const norm: Row = (op, part) =>
  part.axis < axisOf(op, op.outputs[0]!.dims.length, -1) &&
  op.inputs.slice(1).every((v) => !v || v.dims.length === 1)
    ? op.inputs.map((_, i) => (i === 0 ? part : 'whole'))
    : undefined;

const reduction: Row = (op, part) => {
  const axes = reductionAxes(op);
  if (numberOf(op, 'keepdims', 1)) return axes.includes(part.axis) ? undefined : [part, 'whole'];
  const kept = op.inputs[0]!.dims.map((_, i) => i).filter((i) => !axes.includes(i));
  return [{ ...part, axis: kept[part.axis]! }, 'whole'];
};

const ROWS: Record<string, Row> = {
  ...Object.fromEntries(ELEMENTWISE.split(' ').map((name) => [name, aligned])),
  Expand: (op, part) => [aligned(op, part)![0]!, 'whole'],
  Reshape: (op, part) => {
    const [before, after] = [op.inputs[0]!.dims, op.outputs[0]!.dims];
    const outer = sizeOf(after.slice(0, part.axis));
    const axis = before.findIndex(
      (dim, i) => dim === after[part.axis] && sizeOf(before.slice(0, i)) === outer,
    );
    return axis < 0 ? undefined : [{ ...part, axis }, 'whole'];
  },
  Transpose: (op, part) => [{ ...part, axis: (op.attributes.perm as number[])[part.axis]! }],
  MatMul: (op, part) => {
    const rank = op.outputs[0]!.dims.length;
    if (part.axis === rank - 1) return undefined;
    const needs = aligned(op, part)!;
    return part.axis === rank - 2 ? [needs[0]!, 'whole'] : needs;
  },
  MatMulNBits: (op, part) =>
    part.axis === op.outputs[0]!.dims.length - 1
      ? undefined
      : op.inputs.map((_, i) => (i === 0 ? part : 'whole')),
  Softmax: beside(-1),
  LogSoftmax: beside(-1),
  Concat: beside(0),
  LayerNormalization: norm,
  RMSNormalization: norm,
  SimplifiedLayerNormalization: norm,
  ReduceSum: reduction,
  ReduceMean: reduction,
  ReduceMax: reduction,
  Slice: (op, part) => {
    const own = simpleSlice(op);
    return own && own.axis !== part.axis ? op.inputs.map((_, i) => (i === 0 ? part : 'whole')) : undefined;
  },
  Split: (op, part) =>
    axisOf(op, op.outputs[0]!.dims.length, 0) === part.axis
      ? undefined
      : op.inputs.map((_, i) => (i === 0 ? part : 'whole')),
};

function simpleSlice(op: Operation): Part | undefined {
  if (op.opType !== 'Slice' || op.domain || op.inputs.length !== 4) return undefined;
  const [starts, ends, axes] = op.inputs.slice(1).map(constantNumbers);
  if (starts?.length !== 1 || ends?.length !== 1 || axes?.length !== 1) return undefined;
  return { axis: axes[0]!, start: starts[0]!, end: ends[0]! };
}

/** Slices that keep more than this share are left where they are (halves of a rotary embedding). */
const WORTH = 0.25;

function merge(a: Demand | undefined, b: Demand): Demand {
  if (!a) return b;
  if (a === 'whole' || b === 'whole') return 'whole';
  return a.axis === b.axis && a.start === b.start && a.end === b.end ? a : 'whole';
}

function demands(operations: readonly Operation[], targets: Targets): Map<TypedValue, Demand> {
  const wanted = new Map<TypedValue, Demand>([...targets.values()].map((value) => [value, 'whole']));
  for (const op of [...operations].reverse()) {
    const needs = inputDemands(op, wanted);
    op.inputs.forEach((value, i) => {
      if (value) wanted.set(value, merge(wanted.get(value), needs?.[i] ?? 'whole'));
    });
  }
  return wanted;
}

/** What an operation needs of its inputs; several outputs must be wanted alike. */
function inputDemands(op: Operation, wanted: ReadonlyMap<TypedValue, Demand>): Demand[] | undefined {
  const slice = simpleSlice(op);
  const whole = op.outputs.some((output) => wanted.get(output) === 'whole');
  if (slice && whole) {
    const dim = op.inputs[0]!.dims[slice.axis]!;
    return slice.end - slice.start <= WORTH * dim ? [slice, 'whole', 'whole', 'whole'] : undefined;
  }
  const parts = op.outputs.map((output) => wanted.get(output)).filter((part) => part !== undefined);
  const part = parts.reduce<Demand | undefined>(merge, undefined);
  const needs = part && part !== 'whole' ? ROWS[op.opType]?.(op, part) : undefined;
  // An operation that cannot give a part gives the whole.
  if (!needs) for (const output of op.outputs) (wanted as Map<TypedValue, Demand>).set(output, 'whole');
  return needs;
}

/**
 * Computes only the rows that are read: where a small slice is all that a value's readers take, the value is computed
 * for that slice alone, and so are the values before it as far as operations work row by row. With a loss at the last
 * position this leaves one position of the head and of the last block's queries and feed-forward part.
 */
export function computeOnlyWhatIsRead(e: Emitter, targets: Targets): Map<string, TypedValue> {
  const operations = operationsOf(targets.values());
  const wanted = demands(operations, targets);
  const made = new Map<TypedValue, TypedValue>();
  /** The rewritten value, cut to `part` if it is not already. */
  const given = (value: TypedValue, part: Demand): TypedValue => {
    const result = made.get(value) ?? value;
    const has = value.op ? (wanted.get(value) ?? 'whole') : 'whole';
    return part !== 'whole' && has === 'whole' ? e.slice(result, part.axis, part.start, part.end) : result;
  };
  for (const op of operations) {
    const part = wanted.get(op.outputs[0]!) ?? 'whole';
    const needs = inputDemands(op, wanted);
    const inputs = op.inputs.map((value, i) => value && given(value, needs?.[i] ?? 'whole'));
    const source = e.source;
    e.source = op.source;
    const result = needs ? cut(e, op, inputs, part) : reemit(e, op, inputs);
    op.outputs.forEach((output, i) => void made.set(output, result[i]!));
    e.source = source;
  }
  return new Map([...targets].map(([name, value]) => [name, made.get(value) ?? value]));
}

/** An operation on inputs that were cut, giving a cut output. */
function cut(
  e: Emitter,
  op: Operation,
  inputs: readonly (TypedValue | null)[],
  part: Demand,
): readonly TypedValue[] {
  const x = inputs[0] as TypedValue;
  if (part === 'whole') return [x];
  const outputs = op.outputs.map(({ dtype, dims }) => ({
    dtype,
    dims: dims.map((dim, i) => (i === part.axis ? part.end - part.start : dim)),
  }));
  if (op.opType === 'Reshape') return [e.reshape(x, outputs[0]!.dims)];
  if (op.opType === 'Expand') return [e.expand(x, outputs[0]!.dims)];
  if (op.opType === 'Transpose') return [e.transpose(x, op.attributes.perm as number[])];
  return e.emit(op.opType, inputs, outputs, { ...op.attributes }, op.domain);
}
