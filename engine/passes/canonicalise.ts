import { sizeOf } from '../ir/shapes.ts';
import { constantNumbers, numberOf, type Operation, type TypedValue } from '../ir/value.ts';
import type { RewriteRule } from './rewrite.ts';

function isOp(value: TypedValue | null | undefined, opType: string, domain = ''): Operation | undefined {
  return value?.op?.opType === opType && value.op.domain === domain ? value.op : undefined;
}

/** The number where `value` is a constant of one element. */
function scalarOf(value: TypedValue | null | undefined): number | undefined {
  if (value?.constant?.data.length !== 1) return undefined;
  return constantNumbers(value)?.[0];
}

function near(a: number | undefined, b: number): boolean {
  return a !== undefined && Math.abs(a - b) <= 1e-6 * Math.abs(b);
}

/** The operand beside a scalar constant, and that constant. */
function besideScalar(op: Operation | undefined): [TypedValue, number] | undefined {
  const [a, b] = (op?.inputs ?? []) as TypedValue[];
  const [left, right] = [scalarOf(a), scalarOf(b)];
  if (right !== undefined && a) return [a, right];
  if (left !== undefined && b) return [b, left];
  return undefined;
}

/** [.., k] x [k, n] is one product of matrices. */
export const matrixProduct: RewriteRule = ({ e, op, inputs }) => {
  const [a, b] = inputs as [TypedValue, TypedValue];
  if (op.opType !== 'MatMul' || op.domain || b.dims.length !== 2 || a.dims.length === 2) return undefined;
  const inner = b.dims[0] as number;
  return e.reshape(e.gemm(e.reshape(a, [sizeOf(a.dims) / inner, inner]), b), op.outputs[0]!.dims);
};

/** The bias of a product that is no wider than its input goes into the product. */
export const bias: RewriteRule = ({ e, op, inputs, uses }) => {
  if (op.opType !== 'Add') return undefined;
  for (const [sum, shift] of [inputs, [...inputs].reverse()] as [TypedValue, TypedValue][]) {
    const flat = isOp(sum, 'Reshape')?.inputs[0] ?? sum;
    const gemm = isOp(flat, 'Gemm');
    const columns = flat.dims.at(-1) as number;
    if (gemm?.inputs.length !== 2 || uses(sum) !== 1 || sum.dims.at(-1) !== columns) continue;
    if (sizeOf(shift.dims) !== columns || shift.dims.at(-1) !== columns) continue;
    const [a, b] = gemm.inputs as [TypedValue, TypedValue];
    // Gemm first copies the bias over its whole output; where that is wide, adding it afterwards is quicker.
    if (columns > sizeOf(a.dims) / flat.dims[0]!) continue;
    const trans = { transA: numberOf(gemm, 'transA', 0) === 1, transB: numberOf(gemm, 'transB', 0) === 1 };
    const fused = e.gemm(a, b, { ...trans, alpha: numberOf(gemm, 'alpha', 1) }, e.reshape(shift, [columns]));
    return e.reshape(fused, op.outputs[0]!.dims);
  }
  return undefined;
};

/** 0.5 x (1 + erf(x / sqrt 2)), in the orders that exporters write it. */
export const gelu: RewriteRule = ({ e, op, inputs }) => {
  if (op.opType !== 'Mul' || op.domain) return undefined;
  const factors = flatten(inputs as TypedValue[]);
  const half = factors.findIndex((factor) => near(scalarOf(factor), 0.5));
  const gate = factors.findIndex((factor) => erfPlusOne(factor));
  if (factors.length !== 3 || half < 0 || gate < 0) return undefined;
  const x = factors.find((_, i) => i !== half && i !== gate) as TypedValue;
  if (erfPlusOne(factors[gate]!) !== x) return undefined;
  return e.emit('Gelu', [x], [{ dtype: x.dtype, dims: x.dims }], {}, 'com.microsoft')[0];
};

function flatten(factors: readonly TypedValue[]): TypedValue[] {
  return factors.flatMap((factor) => {
    const product = isOp(factor, 'Mul');
    return product ? (product.inputs as TypedValue[]) : [factor];
  });
}

/** x where `value` is 1 + erf(x / sqrt 2). */
function erfPlusOne(value: TypedValue): TypedValue | undefined {
  const sum = besideScalar(isOp(value, 'Add'));
  const erf = sum && near(sum[1], 1) ? isOp(sum[0], 'Erf') : undefined;
  const inner = erf?.inputs[0]?.op;
  const scaled = besideScalar(inner);
  if (!scaled) return undefined;
  const divided = inner?.opType === 'Div' && scaled[0] === inner.inputs[0] && near(scaled[1], Math.SQRT2);
  const multiplied = inner?.opType === 'Mul' && near(scaled[1], Math.SQRT1_2);
  return divided || multiplied ? scaled[0] : undefined;
}

/** A scalar factor of a product goes into it. */
export const scaledProduct: RewriteRule = ({ e, op, inputs, uses }) => {
  const scaled = op.opType === 'Mul' || op.opType === 'Div' ? besideScalar({ ...op, inputs }) : undefined;
  if (scaled?.[0].dtype !== 'float32' || (op.opType === 'Div' && scaled[0] !== inputs[0])) return undefined;
  const flat = isOp(scaled[0], 'Reshape')?.inputs[0] ?? scaled[0];
  const product = isOp(flat, 'MatMul') ?? isOp(flat, 'FusedMatMul', 'com.microsoft') ?? isOp(flat, 'Gemm');
  if (product?.inputs.length !== 2 || uses(scaled[0]) !== 1 || uses(flat) !== 1) return undefined;
  const factor = op.opType === 'Div' ? 1 / scaled[1] : scaled[1];
  const [a, b] = product.inputs as [TypedValue, TypedValue];
  const alpha = numberOf(product, 'alpha', 1) * factor;
  return e.reshape(e.matmul(a, b, { ...transposes(product), alpha }), op.outputs[0]!.dims);
};

function transposes(product: Operation): { transA: boolean; transB: boolean } {
  return { transA: numberOf(product, 'transA', 0) === 1, transB: numberOf(product, 'transB', 0) === 1 };
}

/** The value whose last two axes `value` swaps. */
function unswapped(value: TypedValue): TypedValue | undefined {
  const op = isOp(value, 'Transpose');
  const perm = op?.attributes.perm as number[] | undefined;
  const rank = value.dims.length;
  if (!op || !perm || rank < 2) return undefined;
  const swaps = perm.every((axis, i) => axis === (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
  return swaps ? (op.inputs[0] as TypedValue) : undefined;
}

/** Products read their operands transposed instead of waiting for a Transpose. */
export const transposedOperand: RewriteRule = ({ e, op, inputs }) => {
  const kind = op.domain ? `${op.domain}.${op.opType}` : op.opType;
  if (kind !== 'MatMul' && kind !== 'com.microsoft.FusedMatMul' && kind !== 'Gemm') return undefined;
  const [a, b, c] = inputs as [TypedValue, TypedValue, TypedValue | undefined];
  if (a.dtype !== 'float32' || numberOf(op, 'beta', 1) !== 1) return undefined;
  if (numberOf(op, 'transBatchA', 0) || numberOf(op, 'transBatchB', 0)) return undefined;
  const [left, right] = [unswapped(a), unswapped(b)];
  if (!left && !right) return undefined;
  const now = transposes(op);
  const trans = {
    transA: left ? !now.transA : now.transA,
    transB: right ? !now.transB : now.transB,
    alpha: numberOf(op, 'alpha', 1),
  };
  return kind === 'Gemm' ? e.gemm(left ?? a, right ?? b, trans, c) : e.matmul(left ?? a, right ?? b, trans);
};
