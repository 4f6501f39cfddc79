import { LOWERINGS } from './ir/lower.ts';
import { FUSED } from './lowering/table.ts';
import { NOT_DIFFERENTIABLE, NOT_IMPLEMENTED, RULES, ruleName } from './rules/table.ts';

/**
 * How the engine comes by an operation's derivative: by a rule of its own, through the operations that it is lowered
 * to, not at all because there is none, or not at all though there is one.
 */
export type OperationSupport = 'rule' | 'lowered' | 'not differentiable' | 'not implemented' | 'unknown';

/** The standard domain is '' or 'ai.onnx'. */
export function operationSupport({ opType, domain }: { opType: string; domain: string }): OperationSupport {
  const name = ruleName({ opType, domain: domain === 'ai.onnx' ? '' : domain });
  if (RULES[name]) return 'rule';
  if (LOWERINGS[name] || FUSED[name]) return 'lowered';
  if (NOT_DIFFERENTIABLE.has(name)) return 'not differentiable';
  return NOT_IMPLEMENTED[name] ? 'not implemented' : 'unknown';
}

/** Why gradients do not pass through an operation, for people; undefined where they do. */
export function gradientRefusal(op: { opType: string; domain: string }): string | undefined {
  const support = operationSupport(op);
  if (support === 'rule' || support === 'lowered') return undefined;
  if (support === 'not differentiable') return 'it has no derivative: its result is whole numbers or steps';
  return NOT_IMPLEMENTED[ruleName(op)] ?? 'there is no gradient rule for this operation';
}
