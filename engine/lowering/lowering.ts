import type { Emitter } from '../ir/emitter.ts';
import type { TypedValue } from '../ir/value.ts';
import type { AttributeValue, Node } from '../onnx/graph.ts';
import type { DType } from '../onnx/tensor.ts';

/** A traced node that is about to become typed operations. */
export interface LoweringContext {
  e: Emitter;
  node: Node;
  /** The inputs; null where one was left out. */
  inputs: readonly (TypedValue | null)[];
  x: TypedValue;
  /** Type and shape of each output; an output that the file leaves out has the shape [0]. */
  outputs: readonly { dtype: DType; dims: readonly number[] }[];
  attributes: Readonly<Record<string, AttributeValue>>;
}

/** Simpler operations that do what the node does, an output each; `undefined` keeps the node as it is. */
export type Lowering = (context: LoweringContext) => TypedValue[] | undefined;

/**
 * Thrown by a lowering for a form of the operation that it does not cover. The node then stays as it is: it runs, and
 * differentiating it fails with this reason, a clause that goes after the node's name ("which ...").
 */
export class NotLowered extends Error {}

export function numberIn({ attributes }: LoweringContext, name: string, absent: number): number {
  const value = attributes[name];
  return typeof value === 'number' ? value : absent;
}

export function textIn({ attributes }: LoweringContext, name: string, absent: string): string {
  const value = attributes[name];
  return typeof value === 'string' ? value : absent;
}

/** Whether the file reads the node's output number `index`. */
export function wanted({ node }: LoweringContext, index: number): boolean {
  return Boolean(node.outputs[index]);
}

/** Throws NotLowered where one of the inputs is given. */
export function refuseInputs({ inputs }: LoweringContext, refused: Readonly<Record<number, string>>): void {
  for (const [index, what] of Object.entries(refused)) {
    if (inputs[Number(index)]) throw new NotLowered(`which ${what}`);
  }
}

const caches = new WeakMap<Emitter, Map<string, TypedValue>>();

/** A large constant that several nodes share, made at its first use. */
export function shared(e: Emitter, key: string, make: () => TypedValue): TypedValue {
  const known = caches.get(e) ?? new Map<string, TypedValue>();
  caches.set(e, known);
  const value = known.get(key) ?? make();
  known.set(key, value);
  return value;
}

/** Any operation with one output. */
export function emitOne(
  e: Emitter,
  opType: string,
  inputs: readonly (TypedValue | null)[],
  dims: readonly number[],
  dtype: DType,
  attributes: Record<string, AttributeValue> = {},
): TypedValue {
  return e.emit(opType, inputs, [{ dtype, dims }], attributes)[0] as TypedValue;
}
