import { reducedDims, sizeOf } from '../ir/shapes.ts';
import { numberOf, numbersOf, type Operation, stringOf, type TypedValue } from '../ir/value.ts';
import { float32 } from '../onnx/tensor.ts';
import { NoGradient, type Rule, type RuleContext } from './rule.ts';

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

interface ConvShape {
  strides: number[];
  pads: number[];
  dilations: number[];
  group: number;
}

function convShape(op: Operation): ConvShape {
  const spatial = op.inputs[0]!.dims.length - 2;
  const auto = stringOf(op, 'auto_pad', 'NOTSET');
  if (auto !== 'NOTSET' && auto !== 'VALID')
    throw new NoGradient(`auto_pad ${auto} has no rule; export explicit pads`);
  const ones = Array.from({ length: spatial }, () => 1);
  return {
    strides: numbersOf(op, 'strides') ?? ones,
    pads: numbersOf(op, 'pads') ?? [...ones, ...ones].map(() => 0),
    dilations: numbersOf(op, 'dilations') ?? ones,
    group: numberOf(op, 'group', 1),
  };
}

/** The gradient by a convolution's input: the transposed convolution. */
function convInput({ e, dy }: RuleContext, x: TypedValue, kernel: TypedValue, shape: ConvShape): TypedValue {
  const { strides, pads, dilations, group } = shape;
  const size = x.dims.slice(2);
  const output_padding = size.map((dim, i) => {
    const reach = dilations[i]! * (kernel.dims[i + 2]! - 1) + 1;
    return dim - ((dy.dims[i + 2]! - 1) * strides[i]! + reach - pads[i]! - pads[i + size.length]!);
  });
  const output = [{ dtype: x.dtype, dims: x.dims }];
  const attributes = { strides, pads, dilations, group, output_padding, kernel_shape: kernel.dims.slice(2) };
  return e.emit('ConvTranspose', [dy, kernel], output, attributes)[0]!;
}

/** The gradient by the kernel: the input convolved with the output's gradient, batch and channels changing places. */
function convKernel({ e, dy }: RuleContext, x: TypedValue, kernel: TypedValue, shape: ConvShape): TypedValue {
  const { strides, pads, dilations, group } = shape;
  const swap = [1, 0, ...x.dims.slice(2).map((_, i) => i + 2)];
  const inputs = x.dims[1]! / group;
  const outputs = dy.dims[1]! / group;
  const parts = Array.from({ length: group }, (_, g) => {
    const image = e.transpose(e.slice(x, 1, g * inputs, (g + 1) * inputs), swap);
    const filter = e.transpose(e.slice(dy, 1, g * outputs, (g + 1) * outputs), swap);
    const reach = image.dims.slice(2).map((dim, i) => {
      const span = strides[i]! * (filter.dims[i + 2]! - 1) + 1;
      return Math.floor((dim + pads[i]! + pads[i + swap.length - 2]! - span) / dilations[i]!) + 1;
    });
    const attributes = {
      strides: dilations,
      dilations: strides,
      pads,
      group: 1,
      kernel_shape: filter.dims.slice(2),
    };
    const dims = [inputs, outputs, ...reach];
    const whole = e.emit('Conv', [image, filter], [{ dtype: x.dtype, dims }], attributes)[0]!;
    const cut = kernel.dims.slice(2).reduce((part, dim, i) => e.slice(part, i + 2, 0, dim), whole);
    return e.transpose(cut, swap);
  });
  return e.concat(parts, 0);
}

/** How many input elements each window of an average covers. */
function windowCounts(
  size: readonly number[],
  out: readonly number[],
  kernel: readonly number[],
  c: ConvShape,
  all: boolean,
) {
  const perAxis = size.map((dim, i) =>
    Array.from({ length: out[i]! }, (_, o) => {
      const start = o * c.strides[i]! - c.pads[i]!;
      const [low, high] = all ? [-c.pads[i]!, dim + c.pads[i + size.length]!] : [0, dim];
      return Math.min(start + kernel[i]!, high) - Math.max(start, low);
    }),
  );
  return perAxis.reduce<number[]>((grid, counts) => grid.flatMap((n) => counts.map((m) => n * m)), [1]);
}

const averagePool: Rule = (c) => {
  const { e, op, dy } = c;
  const x = c.x[0]!;
  const shape = { ...convShape(op), group: x.dims[1]! };
  const kernel = numbersOf(op, 'kernel_shape') as number[];
  if (shape.dilations.some((d) => d !== 1)) throw new NoGradient('dilated pooling has no rule');
  const out = dy.dims.slice(2);
  const counts = windowCounts(
    x.dims.slice(2),
    out,
    kernel,
    shape,
    numberOf(op, 'count_include_pad', 0) === 1,
  );
  const share = e.div(dy, e.cast(e.constant(float32([1, 1, ...out], counts)), dy.dtype));
  return [convInput({ ...c, dy: share }, x, e.fill(1, [x.dims[1]!, 1, ...kernel], dy.dtype), shape)];
};

export const linear: Record<string, Rule> = {
  MatMul: product,
  'com.microsoft.FusedMatMul': product,
  Gemm: (c) => {
    const { e, op, dy, x } = c;
    return [...product(c), x[2] ? e.scale(dy, numberOf(op, 'beta', 1)) : null];
  },
  Conv: (c) => {
    const { e, op, dy } = c;
    const [x, kernel] = c.x as [TypedValue, TypedValue];
    const shape = convShape(op);
    const axes = [0, ...x.dims.slice(2).map((_, i) => i + 2)];
    const bias = e.reshape(e.sum(dy, axes), [sizeOf(reducedDims(dy.dims, axes, false))]);
    return [convInput(c, x, kernel, shape), convKernel(c, x, kernel, shape), bias];
  },
  AveragePool: averagePool,
  /** A rotation: its transpose turns the other way. The passes make it out of its parts. */
  'com.microsoft.RotaryEmbedding': ({ e, op, x: [, positions, cos, sin], dy }) => {
    const output = [{ dtype: dy.dtype, dims: dy.dims }];
    return [
      e.emit(op.opType, [dy, positions!, cos!, e.neg(sin!)], output, { ...op.attributes }, op.domain)[0]!,
    ];
  },
};
