import type { Emitter } from '../ir/emitter.ts';
import { STRAIGHT_THROUGH } from '../ir/marks.ts';
import { sizeOf } from '../ir/shapes.ts';
import type { Operation, TypedValue } from '../ir/value.ts';
import {
  emitOne,
  type Lowering,
  type LoweringContext,
  NotLowered,
  numberIn,
  refuseInputs,
  shared,
} from './lowering.ts';

/**
 * Quantised operations run as they are in the file. Their gradient is that of the float operation that they stand for,
 * straight through the rounding: the quantised weights are a frozen base, which the backward pass spreads out to floats
 * one matrix at a time, so that no float copy of the base lies in memory.
 */
function straightThrough(e: Emitter, exact: TypedValue, stands: TypedValue): TypedValue {
  return emitOne(e, STRAIGHT_THROUGH, [exact, stands], exact.dims, exact.dtype);
}

function original({ e, node, inputs, outputs, attributes }: LoweringContext): TypedValue[] {
  return e.emit(node.opType, inputs, outputs, { ...attributes }, node.domain);
}

/** x B^T with B in blocks of 2, 4 or 8 bits along its rows. */
const matMulNBits: Lowering = (context) => {
  const { e, x, inputs } = context;
  refuseInputs(context, { 4: 'orders its columns by g_idx' });
  if (numberIn(context, 'weight_prepacked', 0))
    throw new NotLowered('which holds its weight packed for one device');
  const exact = original(context)[0] as TypedValue;
  const product = e.matmul(x, e.flip(blockedRows(context)));
  const bias = inputs[5];
  return [straightThrough(e, exact, bias ? e.add(product, bias) : product)];
};

/** The weight [N, K] of MatMulNBits as floats. */
function blockedRows(context: LoweringContext): TypedValue {
  const { e, inputs } = context;
  const [, packed, scales, zeros] = inputs as [TypedValue, TypedValue, TypedValue, TypedValue?];
  const [rows, depth] = [numberIn(context, 'N', 0), numberIn(context, 'K', 0)];
  const [bits, block] = [numberIn(context, 'bits', 4), numberIn(context, 'block_size', 32)];
  const blocks = Math.ceil(depth / block);
  const grid = e.reshape(scales, [rows, blocks]);
  const bytes = zeros?.dtype === 'uint8' ? e.reshape(zeros, [rows, sizeOf(zeros.dims) / rows]) : undefined;
  const all = shared(e, `rows ${rows}`, () => e.ints(Array.from({ length: rows }, (_, i) => i)));
  const data = e.reshape(packed, [rows, sizeOf(packed.dims) / rows]);
  let weight = e.emit(
    'GatherBlockQuantized',
    bytes ? [data, all, grid, bytes] : [data, all, grid],
    [{ dtype: scales.dtype, dims: [rows, blocks * block] }],
    { bits, block_size: block, gather_axis: 0, quantize_axis: 1 },
    'com.microsoft',
  )[0] as TypedValue;
  if (zeros && !bytes) {
    // Floats as zero points: the operation above took the middle of the range for them.
    const off = e.mul(e.shift(e.neg(e.reshape(zeros, [rows, blocks])), 2 ** (bits - 1)), grid);
    const spread = e.expand(e.reshape(off, [rows, blocks, 1]), [rows, blocks, block]);
    weight = e.add(weight, e.reshape(spread, [rows, blocks * block]));
  }
  return e.slice(weight, 1, 0, depth);
}

const QUANTISERS = new Set(['DynamicQuantizeLinear', 'QuantizeLinear']);

function quantiserOf(value: TypedValue | null | undefined): Operation | undefined {
  return value?.op && QUANTISERS.has(value.op.opType) && value === value.op.outputs[0] ? value.op : undefined;
}

function scaleOf(quantiser: Operation): TypedValue {
  return (quantiser.opType === 'QuantizeLinear' ? quantiser.inputs[1] : quantiser.outputs[1]) as TypedValue;
}

/** What the integers less their zero point stand for, in steps: the quantised value over its scale, or the weight. */
function steps(e: Emitter, value: TypedValue, zero: TypedValue | null | undefined): TypedValue {
  const quantiser = quantiserOf(value);
  if (quantiser) return e.div(quantiser.inputs[0] as TypedValue, scaleOf(quantiser));
  const floats = e.cast(value, 'float32');
  return zero ? e.sub(floats, e.cast(zero, 'float32')) : floats;
}

/** A product or convolution of integers, when it is turned to floats. */
function integerProduct({ op }: TypedValue): Operation | undefined {
  return op && (op.opType === 'MatMulInteger' || op.opType === 'ConvInteger') && !op.domain ? op : undefined;
}

/** A Cast behind an integer product: there the gradient enters it. `undefined` for any other Cast. */
export const castOfIntegers: Lowering = ({ e, x, outputs }) => {
  const product = integerProduct(x);
  if (!product || outputs[0]!.dtype !== 'float32') return undefined;
  const [a, b, zeroA, zeroB] = product.inputs as [TypedValue, TypedValue, TypedValue?, TypedValue?];
  const left = steps(e, a, zeroA);
  const right = steps(e, b, product.opType === 'ConvInteger' ? channels(e, zeroB, b) : zeroB);
  const stands =
    product.opType === 'ConvInteger'
      ? emitOne(e, 'Conv', [left, right], x.dims, 'float32', { ...product.attributes })
      : e.matmul(left, right);
  return [straightThrough(e, e.cast(x, 'float32'), stands)];
};

/** A zero point of each output channel, to broadcast over a kernel. */
function channels(e: Emitter, zero: TypedValue | undefined, kernel: TypedValue): TypedValue | undefined {
  if (!zero || zero.dims.length === 0) return zero;
  return e.reshape(zero, [sizeOf(zero.dims), ...kernel.dims.slice(1).map(() => 1)]);
}

/** Of a quantised activation its float value; of a weight nothing, since there is no gradient to pass on. */
const dequantise: Lowering = (context) => {
  const quantiser = quantiserOf(context.x);
  if (!quantiser) return undefined;
  return [straightThrough(context.e, original(context)[0]!, quantiser.inputs[0] as TypedValue)];
};

function scaled(
  e: Emitter,
  weight: TypedValue,
  scale: TypedValue,
  zero: TypedValue | null | undefined,
): TypedValue {
  return e.mul(steps(e, weight, zero), scale);
}

const dynamicProduct: Lowering = (context) => {
  const { e, x, inputs } = context;
  const [, weight, scale, zero, bias] = inputs;
  const product = e.matmul(x, scaled(e, weight!, scale!, zero));
  return [straightThrough(e, original(context)[0]!, bias ? e.add(product, bias) : product)];
};

const integersToFloat: Lowering = (context) => {
  const { e, x, inputs } = context;
  const [, weight, scaleA, scaleB, zeroA, zeroB, bias] = inputs;
  const product = e.matmul(scaled(e, x, scaleA!, zeroA), scaled(e, weight!, scaleB!, zeroB));
  return [straightThrough(e, original(context)[0]!, bias ? e.add(product, bias) : product)];
};

export const quantised: Readonly<Record<string, Lowering>> = {
  Cast: castOfIntegers,
  DequantizeLinear: dequantise,
  'com.microsoft.DequantizeLinear': dequantise,
  'com.microsoft.DynamicQuantizeMatMul': dynamicProduct,
  'com.microsoft.MatMulIntegerToFloat': integersToFloat,
  'com.microsoft.MatMulNBits': matMulNBits,
};
