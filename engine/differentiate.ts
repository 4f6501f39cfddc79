import type { Emitter } from './ir/emitter.ts';
import { STOP_GRADIENT } from './ir/marks.ts';
import { type Operation, operationsOf, type TypedValue } from './ir/value.ts';
import { GraphRefused } from './refused.ts';
import { blockedGradient, isBlockedAttention } from './rules/attention.ts';
import { NoGradient, type Rule } from './rules/rule.ts';
import { NOT_DIFFERENTIABLE, NOT_IMPLEMENTED, RULES, ruleName } from './rules/table.ts';

const FLOATS = new Set(['float32', 'float64', 'float16', 'bfloat16']);

/**
 * Reverse-mode differentiation: the gradient of the scalar `loss` by each value of `wrt`, in the same order.
 * `label` names the file. Throws GraphRefused for an operation on the way that has no rule, and where the
 * loss does not depend on a value.
 */
export function differentiate(
  e: Emitter,
  loss: TypedValue,
  wrt: readonly TypedValue[],
  label: string,
): (TypedValue | undefined)[] {
  const operations = operationsOf([loss]);
  const reached = new Set<TypedValue>(wrt);
  for (const op of operations) {
    const carries = op.inputs.some((value) => value && reached.has(value));
    if (!carries || NOT_DIFFERENTIABLE.has(ruleName(op)) || op.opType === STOP_GRADIENT) continue;
    for (const output of op.outputs) if (FLOATS.has(output.dtype)) reached.add(output);
  }
  const gradients = new Map<TypedValue, TypedValue>([[loss, e.fill(1, loss.dims, loss.dtype)]]);
  for (const op of operations.reverse()) {
    if (!op.outputs.some((output) => reached.has(output) && gradients.has(output))) continue;
    const parts = apply(e, op, gradients, label);
    op.inputs.forEach((input, i) => {
      const part = parts[i];
      if (!input || !part || !reached.has(input)) return;
      const whole = e.sumTo(part, input.dims);
      const before = gradients.get(input);
      gradients.set(input, before ? e.add(before, whole) : whole);
    });
  }
  return wrt.map((value) => gradients.get(value));
}

function apply(
  e: Emitter,
  op: Operation,
  gradients: ReadonlyMap<TypedValue, TypedValue>,
  label: string,
): (TypedValue | null)[] {
  const fail = (what: string) =>
    new GraphRefused(
      `${label}: node '${op.source}' (${op.opType}, domain '${op.domain || 'ai.onnx'}') cannot be differentiated: ${what}`,
    );
  const rule: Rule | undefined = isBlockedAttention(op) ? blockedGradient : RULES[ruleName(op)];
  if (!rule) {
    const reason =
      NOT_IMPLEMENTED[ruleName(op)] ??
      'training and attacks need one: export the model with other operations there';
    throw fail(`there is no gradient rule for this operation; ${reason}`);
  }
  const dys = op.outputs.map((output) => gradients.get(output));
  const x = op.inputs.map((value) => value ?? undefined) as TypedValue[];
  const further = dys.findIndex((dy, i) => i > 0 && dy);
  if (further > 0 && op.opType !== 'Split')
    throw fail(`the loss reads its output ${further}, and only the first one has a rule`);
  try {
    return rule({ e, op, x, y: op.outputs[0] as TypedValue, dy: dys[0] as TypedValue, dys });
  } catch (error) {
    if (error instanceof NoGradient) throw fail(error.message);
    throw error;
  }
}
