import type { Emitter } from '../ir/emitter.ts';
import { sizeOf } from '../ir/shapes.ts';
import { axisOf, numberOf, type Operation, operationsOf, type TypedValue } from '../ir/value.ts';
import { blockedAttention, expandAttention, isBlockedAttention } from '../rules/attention.ts';
import { type RewriteRule, rewrite, type Targets } from './rewrite.ts';

/** Scores of more bytes are never held as a whole: shorter attention is quicker in one piece. */
const LARGE = 1 << 25;

type Uses = (value: TypedValue) => number;

/** A product of queries and transposed keys and what is added to it; every value on the way is read once. */
function scoresOf(value: TypedValue, uses: Uses): { product: Operation; biases: TypedValue[] } | undefined {
  const { op } = value;
  if (!op || uses(value) !== 1 || value.dims.length !== 4) return undefined;
  if (op.opType === 'FusedMatMul') return isPlain(op, 1) ? { product: op, biases: [] } : undefined;
  if (op.opType !== 'Add' || op.domain) return undefined;
  const [a, b] = op.inputs as [TypedValue, TypedValue];
  const [left, right] = [scoresOf(a, uses), scoresOf(b, uses)];
  if (left) return { product: left.product, biases: [...left.biases, b] };
  return right && { product: right.product, biases: [...right.biases, a] };
}

function isPlain(op: Operation, transB: 0 | 1): boolean {
  return (
    numberOf(op, 'transA', 0) === 0 &&
    numberOf(op, 'transB', 0) === transB &&
    numberOf(op, 'transBatchA', 0) === 0 &&
    numberOf(op, 'transBatchB', 0) === 0
  );
}

/** softmax(scale q k^T + biases) v with large scores, where none of `moving` stands behind a bias, becomes one operation. */
const attention =
  (moving: ReadonlySet<TypedValue>): RewriteRule =>
  ({ e, op, inputs, uses }) => {
    if (op.opType !== 'MatMul' || op.domain || inputs[0]?.op?.opType !== 'Softmax') return undefined;
    const [weights, v] = inputs as [TypedValue, TypedValue];
    const softmax = weights.op as Operation;
    if (uses(weights) !== 1 || weights.dtype !== 'float32' || 4 * sizeOf(weights.dims) <= LARGE)
      return undefined;
    if (weights.dims.length !== 4 || axisOf(softmax, 4, -1) !== 3) return undefined;
    const scores = scoresOf(softmax.inputs[0] as TypedValue, uses);
    if (!scores || scores.biases.some((bias) => moving.has(bias))) return undefined;
    const [q, k] = scores.product.inputs as [TypedValue, TypedValue];
    const whole = [q, k, v].every(({ dims }) => dims[0] === weights.dims[0] && dims[1] === weights.dims[1]);
    return whole
      ? blockedAttention(e, { q, k, v, biases: scores.biases, scale: numberOf(scores.product, 'alpha', 1) })
      : undefined;
  };

/** Attention whose scores are large is computed in blocks of queries, before differentiation. */
export function blockAttention(
  e: Emitter,
  targets: Targets,
  wrt: readonly TypedValue[],
): Map<string, TypedValue> {
  const moving = new Set(wrt);
  for (const { inputs, outputs } of operationsOf(targets.values())) {
    if (inputs.some((value) => value && moving.has(value))) for (const output of outputs) moving.add(output);
  }
  return rewrite(e, targets, [attention(moving)]);
}

/** The forward blocks, once gradients have been taken. */
export const attentionBlocks: RewriteRule = ({ e, op, inputs }) =>
  isBlockedAttention(op) ? expandAttention(e, op, inputs as TypedValue[]) : undefined;
