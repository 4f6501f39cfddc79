import { elementwise } from './elementwise.ts';
import { linear } from './linear.ts';
import { reducing } from './reducing.ts';
import type { Rule } from './rule.ts';
import { shaping } from './shaping.ts';

/** The derivative of every operation that has one here; names outside the standard domain carry their domain. */
export const RULES: Readonly<Record<string, Rule>> = { ...elementwise, ...linear, ...shaping, ...reducing };

/** Operations without a derivative: their results are whole numbers, truth values or steps. */
export const NOT_DIFFERENTIABLE: ReadonlySet<string> = new Set([
  'And',
  'ArgMax',
  'ArgMin',
  'BitShift',
  'Ceil',
  'Constant',
  'ConstantOfShape',
  'Equal',
  'EyeLike',
  'Floor',
  'Greater',
  'GreaterOrEqual',
  'IsInf',
  'IsNaN',
  'Less',
  'LessOrEqual',
  'NonZero',
  'Not',
  'OneHot',
  'Or',
  'Range',
  'Round',
  'Shape',
  'Sign',
  'Size',
  'Xor',
]);

/** How an operation is named in the table. */
export function ruleName(op: { opType: string; domain: string }): string {
  return op.domain ? `${op.domain}.${op.opType}` : op.opType;
}
