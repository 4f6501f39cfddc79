import { numberOf } from '../ir/value.ts';
import { NoGradient, type Rule } from './rule.ts';

/** Products of the forms op(a) op(b), with alpha; both gradients are again such products. */
const product: Rule = ({ e, op, x: [a, b], dy }) => {
  const transA = numberOf(op, 'transA', 0) === 1;
  const transB = numberOf(op, 'transB', 0) === 1;
  if (numberOf(op, 'transBatchA', 0) || numberOf(op, 'transBatchB', 0))
    throw new NoGradient('it transposes batches');
  const alpha = numberOf(op, 'alpha', 1);
  return [
    transA
      ? e.matmul(b!, dy, { transA: transB, transB: true, alpha })
      : e.matmul(dy, b!, { transB: !transB, alpha }),
    transB
      ? e.matmul(dy, a!, { transA: true, transB: transA, alpha })
      : e.matmul(a!, dy, { transA: !transA, alpha }),
  ];
};

export const linear: Record<string, Rule> = {
  MatMul: product,
  'com.microsoft.FusedMatMul': product,
  Gemm: (c) => {
    const { e, op, dy, x } = c;
    return [...product(c), x[2] ? e.scale(dy, numberOf(op, 'beta', 1)) : null];
  },
  /** A rotation: its transpose turns the other way. The passes make it out of its parts. */
  'com.microsoft.RotaryEmbedding': ({ e, op, x: [, positions, cos, sin], dy }) => {
    const output = [{ dtype: dy.dtype, dims: dy.dims }];
    return [
      e.emit(op.opType, [dy, positions!, cos!, e.neg(sin!)], output, { ...op.attributes }, op.domain)[0]!,
    ];
  },
};
