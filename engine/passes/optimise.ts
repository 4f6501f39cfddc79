import type { Emitter } from '../ir/emitter.ts';
import { isMark } from '../ir/marks.ts';
import type { TypedValue } from '../ir/value.ts';
import { attentionBlocks, blockAttention } from './blocks.ts';
import { bias, gelu, matrixProduct, scaledProduct, transposedOperand } from './canonicalise.ts';
import { inParts } from './chunks.ts';
import { computeOnlyWhatIsRead } from './positions.ts';
import { type RewriteRule, rewrite, type Targets } from './rewrite.ts';
import { rotary } from './rotary.ts';

/** Passes over the forward graph, before differentiation: gradients then follow the quicker form. */
export function optimiseForward(
  e: Emitter,
  targets: Targets,
  wrt: readonly TypedValue[],
): Map<string, TypedValue> {
  const read = computeOnlyWhatIsRead(e, targets);
  const products = rewrite(e, read, [matrixProduct, gelu, transposedOperand]);
  const fused = rewrite(e, products, [bias, scaledProduct, rotary]);
  return rewrite(e, blockAttention(e, fused, wrt), [inParts]);
}

/** Once the gradients are written, what was there for them alone goes. */
const unmarked: RewriteRule = ({ op, inputs }) => (isMark(op) ? (inputs[0] as TypedValue) : undefined);

/** Passes over forward and backward together. */
export function optimiseWhole(e: Emitter, targets: Targets): Map<string, TypedValue> {
  const plain = rewrite(e, targets, [unmarked, attentionBlocks]);
  return rewrite(e, rewrite(e, plain, [transposedOperand]), [scaledProduct]);
}
