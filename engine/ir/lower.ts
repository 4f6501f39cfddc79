import { DEFINITIONS } from '../lowering/definitions.ts';
import { type Lowering, NotLowered } from '../lowering/lowering.ts';
import { FUSED } from '../lowering/table.ts';
import type { Attribute, AttributeValue, Graph, Node } from '../onnx/graph.ts';
import type { Tensor } from '../onnx/tensor.ts';
import { ruleName } from '../rules/table.ts';
import type { Trace } from '../trace.ts';
import { Emitter } from './emitter.ts';
import { sizeOf } from './shapes.ts';
import type { TypedValue } from './value.ts';

/** A traced graph as typed values, by the file's names. */
export interface Specialised {
  emitter: Emitter;
  values: Map<string, TypedValue>;
}

const same: Lowering = ({ x }) => [x];
const toReshape: Lowering = ({ e, x, outputs }) => [e.reshape(x, outputs[0]!.dims)];

/** With shapes known these become simpler operations; `undefined` keeps the node as it is. */
export const LOWERINGS: Record<string, Lowering> = {
  ...DEFINITIONS,
  Identity: same,
  Reshape: toReshape,
  Squeeze: toReshape,
  Unsqueeze: toReshape,
  Flatten: toReshape,
  Expand: ({ e, x, outputs }) => [e.expand(x, outputs[0]!.dims)],
  Cast: ({ e, x, outputs }) => (x.dtype === outputs[0]!.dtype ? [x] : [e.cast(x, outputs[0]!.dtype)]),
  Transpose: ({ e, x, attributes }) => {
    const perm = attributes.perm as number[] | undefined;
    return [e.transpose(x, perm ?? x.dims.map((_, i) => x.dims.length - 1 - i))];
  },
  Concat: ({ e, inputs, outputs, attributes }) => {
    const axis = attributes.axis as number;
    const filled = (inputs as TypedValue[]).filter((part) => sizeOf(part.dims) > 0);
    return [e.concat(filled, axis < 0 ? axis + outputs[0]!.dims.length : axis)];
  },
  Slice: ({ e, x, inputs, outputs, node }) => {
    if (x.dims.every((dim, i) => dim === outputs[0]!.dims[i]) && positiveSteps(inputs[4])) return [x];
    return singleSlice(e, x, inputs) ?? (node.inputs.slice(1).length > 0 ? undefined : [x]);
  },
  Gather: ({ e, x, inputs, outputs, attributes }) => {
    const index = inputs[1]?.constant;
    if (index?.data.length !== 1) return undefined;
    const axis = normalise((attributes.axis as number | undefined) ?? 0, x.dims.length);
    const start = normalise(Number(index.data[0]), x.dims[axis] as number);
    return [e.reshape(e.slice(x, axis, start, start + 1), outputs[0]!.dims)];
  },
  MatMul: ({ e, x, inputs, outputs }) => [product(e, x, inputs[1] as TypedValue, outputs[0]!.dims)],
};

function normalise(index: number, size: number): number {
  return index < 0 ? index + size : index;
}

function positiveSteps(steps: TypedValue | null | undefined): boolean {
  return !steps || Array.from(steps.constant?.data ?? [-1], Number).every((step) => step > 0);
}

function singleSlice(
  e: Emitter,
  x: TypedValue,
  inputs: readonly (TypedValue | null)[],
): TypedValue[] | undefined {
  const [starts, ends, axes, steps] = inputs
    .slice(1)
    .map((value) => value?.constant && Array.from(value.constant.data, Number));
  if (starts?.length !== 1 || ends?.length !== 1 || (steps && steps[0] !== 1)) return undefined;
  const axis = normalise(axes?.[0] ?? 0, x.dims.length);
  const size = x.dims[axis] as number;
  const clamp = (index: number) => Math.min(Math.max(normalise(index, size), 0), size);
  return [e.slice(x, axis, clamp(starts[0] as number), clamp(ends[0] as number))];
}

/** A vector operand is a matrix with one row or column. */
function product(e: Emitter, a: TypedValue, b: TypedValue, dims: readonly number[]): TypedValue {
  if (a.dims.length === 1) return e.reshape(product(e, e.reshape(a, [1, ...a.dims]), b, [1, ...dims]), dims);
  if (b.dims.length === 1) return e.reshape(product(e, a, e.reshape(b, [...b.dims, 1]), [...dims, 1]), dims);
  return e.matmul(a, b);
}

function plain(attribute: Attribute): AttributeValue {
  return attribute.value as AttributeValue;
}

/** Rebuilds the traced nodes as typed operations: what is fixed becomes a constant, `variable` initializers inputs. */
export function specialise(
  graph: Graph,
  traced: Trace,
  variable: ReadonlySet<string>,
  feeds: Record<string, Tensor>,
): Specialised {
  const emitter = new Emitter();
  const values = new Map<string, TypedValue>();
  const valueNamed = (name: string): TypedValue => {
    let value = values.get(name);
    if (!value) {
      const seen = traced.values.get(name);
      if (!seen) throw new Error(`${graph.source}: '${name}' is read before it is made`);
      value = seen.tensor ? emitter.constant(seen.tensor) : emitter.input(name, seen.dtype, seen.dims);
      values.set(name, value);
    }
    return value;
  };
  for (const name of Object.keys(feeds)) {
    const tensor = feeds[name] as Tensor;
    const input = emitter.input(name, tensor.dtype, tensor.dims);
    values.set(name, tensor.dtype === 'float16' ? emitter.cast(input, 'float32') : input);
  }
  for (const name of variable) valueNamed(name);
  for (const node of traced.nodes) {
    if (node.outputs.every((name) => !name || traced.values.get(name)?.tensor)) continue;
    emitter.source = node.name;
    const made = lowerNode(
      emitter,
      node,
      node.inputs.map((name) => (name ? valueNamed(name) : null)),
      traced,
    );
    node.outputs.forEach((name, i) => {
      if (name && !traced.values.get(name)?.tensor) values.set(name, made[i] as TypedValue);
    });
  }
  for (const name of traced.values.keys()) valueNamed(name);
  emitter.source = 'gradient';
  return { emitter, values };
}

function lowerNode(e: Emitter, node: Node, inputs: (TypedValue | null)[], traced: Trace): TypedValue[] {
  const outputs = node.outputs.map(
    (name) => traced.values.get(name) ?? { dtype: 'float32' as const, dims: [0] },
  );
  const attributes = Object.fromEntries(Object.entries(node.attributes).map(([k, v]) => [k, plain(v)]));
  const context = { e, node, inputs, x: inputs[0] as TypedValue, outputs, attributes };
  const name = ruleName(node);
  try {
    const lowered = FUSED[name]?.(context) ?? LOWERINGS[name]?.(context);
    if (lowered) return lowered;
  } catch (error) {
    if (!(error instanceof NotLowered)) throw error;
    e.source = `${node.name}, ${error.message}`;
  }
  return e.emit(node.opType, inputs, outputs, attributes, node.domain);
}
