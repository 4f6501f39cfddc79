import type { AttributeValue } from '../onnx/graph.ts';
import type { DType, Tensor } from '../onnx/tensor.ts';

/** One value of a specialised graph: its type, its concrete shape, and where it comes from. */
export interface TypedValue {
  /** Order of making; a value's producer has only inputs of smaller ids. */
  readonly id: number;
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Known beforehand. */
  readonly constant?: Tensor;
  /** Fed at each run, under this name. */
  readonly input?: string;
  readonly op?: Operation;
}

/** One node of a specialised graph. */
export interface Operation {
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly (TypedValue | null)[];
  /** A rule may append outputs that the op offers beside those the file asked for (a norm's statistics). */
  readonly outputs: TypedValue[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** The node of the file that this one stands for, for messages. */
  readonly source: string;
  /** Operations of different regions are never merged. */
  readonly region: string;
}

/** Operations that `targets` need, each after those it reads; the order depends on the graph alone. */
export function operationsOf(targets: Iterable<TypedValue>): Operation[] {
  const order: Operation[] = [];
  const state = new Map<Operation, number>();
  for (const target of targets) {
    const stack = target.op && !state.has(target.op) ? [target.op] : [];
    while (stack.length > 0) {
      const op = stack[stack.length - 1] as Operation;
      const next = state.get(op) ?? 0;
      if (next >= op.inputs.length) {
        stack.pop();
        if (next === op.inputs.length) {
          order.push(op);
          state.set(op, next + 1);
        }
        continue;
      }
      state.set(op, next + 1);
      const producer = op.inputs[next]?.op;
      if (producer && !state.has(producer)) stack.push(producer);
    }
  }
  return order;
}

/** The elements of a small constant as numbers, or undefined where the value is not known beforehand. */
export function constantNumbers(value: TypedValue | null | undefined): number[] | undefined {
  const data = value?.constant?.data;
  return data && Array.from(data as ArrayLike<number | bigint>, Number);
}

export function numberOf(op: Operation, name: string, absent: number): number {
  const value = op.attributes[name];
  return typeof value === 'number' ? value : absent;
}

export function numbersOf(op: Operation, name: string): number[] | undefined {
  const value = op.attributes[name];
  return Array.isArray(value) ? (value as number[]) : undefined;
}

/** A non-negative axis. */
export function axisOf(op: Operation, rank: number, absent: number): number {
  const axis = numberOf(op, 'axis', absent);
  return axis < 0 ? axis + rank : axis;
}

/** Axes of a reduction, from the attribute (older opsets) or the second input; all axes where neither is given. */
export function reductionAxes(op: Operation): number[] {
  const rank = op.inputs[0]?.dims.length ?? 0;
  const given = numbersOf(op, 'axes') ?? constantNumbers(op.inputs[1]);
  if (!given || given.length === 0) {
    return numberOf(op, 'noop_with_empty_axes', 0) ? [] : Array.from({ length: rank }, (_, i) => i);
  }
  return given.map((axis) => (axis < 0 ? axis + rank : axis)).sort((a, b) => a - b);
}

export function stringOf(op: Operation, name: string, absent: string): string {
  const value = op.attributes[name];
  return typeof value === 'string' ? value : absent;
}
