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
