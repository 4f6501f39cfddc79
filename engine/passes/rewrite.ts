import type { Emitter } from '../ir/emitter.ts';
import { sameDims } from '../ir/shapes.ts';
import { type Operation, operationsOf, type TypedValue } from '../ir/value.ts';

export type Targets = ReadonlyMap<string, TypedValue>;

/** What a rewriting rule sees: an operation whose inputs are already rewritten. */
export interface RewriteContext {
  e: Emitter;
  op: Operation;
  inputs: readonly (TypedValue | null)[];
  /** How many operations and targets read a value of the graph before rewriting; by rewritten value. */
  uses(value: TypedValue): number;
}

export type RewriteRule = (context: RewriteContext) => TypedValue | undefined;

/** The same operation on other inputs. */
export function reemit(
  e: Emitter,
  op: Operation,
  inputs: readonly (TypedValue | null)[],
): readonly TypedValue[] {
  if (op.inputs.every((value, i) => value === inputs[i])) return op.outputs;
  const x = inputs[0] as TypedValue;
  if (!op.domain && op.opType === 'Reshape') return [e.reshape(x, op.outputs[0]!.dims)];
  if (!op.domain && op.opType === 'Transpose') return [e.transpose(x, op.attributes.perm as number[])];
  return e.emit(op.opType, inputs, op.outputs, { ...op.attributes }, op.domain);
}

/** Rebuilds what the targets need, first operation first; the first rule that answers replaces an operation's output. */
export function rewrite(
  e: Emitter,
  targets: Targets,
  rules: readonly RewriteRule[],
): Map<string, TypedValue> {
  const operations = operationsOf(targets.values());
  const made = new Map<TypedValue, TypedValue>();
  const counts = new Map<TypedValue, number>();
  const count = (value: TypedValue) => counts.set(value, (counts.get(value) ?? 0) + 1);
  for (const op of operations) for (const value of op.inputs) if (value) count(value);
  for (const value of targets.values()) count(value);
  const rewritten = (value: TypedValue) => made.get(value) ?? value;
  const carry = (before: TypedValue, after: TypedValue) => {
    if (!sameDims(before.dims, after.dims))
      throw new Error(`a pass changed [${before.dims}] to [${after.dims}]`);
    made.set(before, after);
    if (before !== after) counts.set(after, Math.max(counts.get(after) ?? 0, counts.get(before) ?? 0));
  };
  for (const op of operations) {
    const inputs = op.inputs.map((value) => value && rewritten(value));
    const uses = (value: TypedValue) => counts.get(value) ?? 0;
    const { source, region } = e;
    e.source = op.source;
    e.region = op.region;
    let replaced: TypedValue | undefined;
    if (op.outputs.length === 1) {
      for (const rule of rules) {
        replaced = rule({ e, op, inputs, uses });
        if (replaced) break;
      }
    }
    if (replaced) carry(op.outputs[0]!, replaced);
    else reemit(e, op, inputs).forEach((after, i) => void carry(op.outputs[i]!, after));
    e.source = source;
    e.region = region;
  }
  return new Map([...targets].map(([name, value]) => [name, rewritten(value)]));
}
