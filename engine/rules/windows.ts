import { sizeOf } from '../ir/shapes.ts';
import { numberOf, numbersOf, type Operation, stringOf, type TypedValue } from '../ir/value.ts';
import { float32 } from '../onnx/tensor.ts';
import { NoGradient, type Rule, type RuleContext } from './rule.ts';

/** How windows lie over an image, per spatial axis. */
interface Windows {
  kernel: readonly number[];
  strides: number[];
  dilations: number[];
  /** Padding as the file asks for it: all begins, then all ends. */
  pads: number[];
  group: number;
}

const reachOf = ({ kernel, dilations }: Windows, i: number) => dilations[i]! * (kernel[i]! - 1) + 1;

/** Reads the attributes; `image` and `out` are the spatial sizes on the side with and without padding. */
function windowsOf(
  op: Operation,
  kernel: readonly number[],
  image: readonly number[],
  out: readonly number[],
): Windows {
  const ones = kernel.map(() => 1);
  const windows = {
    kernel,
    strides: numbersOf(op, 'strides') ?? ones,
    dilations: numbersOf(op, 'dilations') ?? ones,
    pads: numbersOf(op, 'pads') ?? [...ones, ...ones].map(() => 0),
    group: numberOf(op, 'group', 1),
  };
  const auto = stringOf(op, 'auto_pad', 'NOTSET');
  const growth = numbersOf(op, 'output_padding') ?? ones.map(() => 0);
  if (!auto.startsWith('SAME') && !numbersOf(op, 'output_shape')) return windows;
  const total = image.map((size, i) =>
    Math.max((out[i]! - 1) * windows.strides[i]! + reachOf(windows, i) + growth[i]! - size, 0),
  );
  const small = total.map((count) => Math.floor(count / 2));
  const large = total.map((count, i) => count - small[i]!);
  const upper = auto === 'SAME_UPPER';
  return { ...windows, pads: upper ? [...small, ...large] : [...large, ...small] };
}

/** The padding that the windows really reach over: ceil_mode lets the last ones stand out. */
function coveringPads(w: Windows, image: readonly number[], out: readonly number[]): number[] {
  const begins = w.pads.slice(0, image.length);
  const ends = image.map((size, i) => (out[i]! - 1) * w.strides[i]! + reachOf(w, i) - size - begins[i]!);
  return [...begins, ...ends.map((end, i) => Math.max(end, w.pads[image.length + i]!))];
}

const spatial = (value: TypedValue) => value.dims.slice(2);

/** The gradient by a convolution's input: the transposed convolution of `dy`, of the shape `dims`. */
function convInput(
  { e }: RuleContext,
  dy: TypedValue,
  kernel: TypedValue,
  dims: readonly number[],
  w: Windows,
): TypedValue {
  const { strides, dilations, group } = w;
  const image = dims.slice(2);
  const pads = coveringPads(w, image, spatial(dy));
  const output_padding = image.map((size, i) => {
    const covered = (dy.dims[i + 2]! - 1) * strides[i]! + reachOf(w, i) - pads[i]! - pads[i + image.length]!;
    return size - covered;
  });
  const attributes = { strides, pads, dilations, group, output_padding, kernel_shape: w.kernel };
  return e.emit('ConvTranspose', [dy, kernel], [{ dtype: dy.dtype, dims }], attributes)[0]!;
}

/** The gradient by the kernel: the input convolved with the output's gradient, batch and channels changing places. */
function convKernel(
  { e }: RuleContext,
  x: TypedValue,
  dy: TypedValue,
  kernel: TypedValue,
  w: Windows,
): TypedValue {
  const { strides, pads, dilations, group } = w;
  const swap = [1, 0, ...spatial(x).map((_, i) => i + 2)];
  const inputs = x.dims[1]! / group;
  const outputs = dy.dims[1]! / group;
  const parts = Array.from({ length: group }, (_, g) => {
    const image = e.transpose(e.slice(x, 1, g * inputs, (g + 1) * inputs), swap);
    const filter = e.transpose(e.slice(dy, 1, g * outputs, (g + 1) * outputs), swap);
    const reach = spatial(image).map((dim, i) => {
      const span = strides[i]! * (filter.dims[i + 2]! - 1) + 1;
      return Math.floor((dim + pads[i]! + pads[i + swap.length - 2]! - span) / dilations[i]!) + 1;
    });
    const kernel_shape = spatial(filter);
    const attributes = { strides: dilations, dilations: strides, pads, group: 1, kernel_shape };
    const dims = [inputs, outputs, ...reach];
    const whole = e.emit('Conv', [image, filter], [{ dtype: x.dtype, dims }], attributes)[0]!;
    const cut = spatial(kernel).reduce((part, dim, i) => e.slice(part, i + 2, 0, dim), whole);
    return e.transpose(cut, swap);
  });
  return e.concat(parts, 0);
}

function channelSums({ e, dy }: RuleContext): TypedValue {
  return e.reshape(e.sum(dy, [0, ...spatial(dy).map((_, i) => i + 2)]), [dy.dims[1]!]);
}

/** How many input elements each window of an average covers. */
function windowCounts(
  w: Windows,
  image: readonly number[],
  out: readonly number[],
  padded: boolean,
): number[] {
  const perAxis = image.map((size, i) =>
    Array.from({ length: out[i]! }, (_, o) => {
      const taps = Array.from(
        { length: w.kernel[i]! },
        (_, k) => o * w.strides[i]! - w.pads[i]! + k * w.dilations[i]!,
      );
      const [low, high] = padded ? [-w.pads[i]!, size + w.pads[i + image.length]!] : [0, size];
      return taps.filter((tap) => tap >= low && tap < high).length;
    }),
  );
  return perAxis.reduce<number[]>((grid, counts) => grid.flatMap((n) => counts.map((m) => n * m)), [1]);
}

const averagePool: Rule = (c) => {
  const { e, op, dy } = c;
  const x = c.x[0]!;
  const w = windowsOf(op, numbersOf(op, 'kernel_shape')!, spatial(x), spatial(dy));
  const counts = windowCounts(w, spatial(x), spatial(dy), numberOf(op, 'count_include_pad', 0) === 1);
  const share = e.div(dy, e.cast(e.constant(float32([1, 1, ...spatial(dy)], counts)), dy.dtype));
  const ones = e.fill(1, [x.dims[1]!, 1, ...w.kernel], dy.dtype);
  return [convInput(c, share, ones, x.dims, { ...w, group: x.dims[1]! })];
};

/**
 * Each window's elements side by side, as a convolution with kernels that pick one element, tell who wins; the
 * transposed convolution brings the shares back. Elements of a window that tie share the gradient.
 */
const maxPool: Rule = (c) => {
  const { e, op, dy, y } = c;
  const x = c.x[0]!;
  if (numberOf(op, 'storage_order', 0) !== 0) throw new NoGradient('only storage order 0 has a rule');
  const given = windowsOf(op, numbersOf(op, 'kernel_shape')!, spatial(x), spatial(dy));
  const pads = coveringPads(given, spatial(x), spatial(dy));
  const [batch, channels] = x.dims as [number, number];
  const rank = x.dims.length - 2;
  const size = sizeOf(given.kernel);
  const lowest = e.fill(x.dtype === 'float16' ? -6e4 : -3e38, [], x.dtype);
  const padding = e.ints([0, 0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank)]);
  const dims = x.dims.map((dim, i) => (i < 2 ? dim : dim + pads[i - 2]! + pads[i - 2 + rank]!));
  const padded = e.emit('Pad', [x, padding, lowest], [{ dtype: x.dtype, dims }])[0]!;
  const w = { ...given, pads: pads.map(() => 0), group: channels };
  const one = Float32Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
  const pick = e.constant(float32([size, 1, ...w.kernel], one));
  const kernel = e.cast(
    e.concat(
      Array.from({ length: channels }, () => pick),
      0,
    ),
    x.dtype,
  );
  const { strides, dilations, group } = w;
  const picked = [batch, channels * size, ...spatial(dy)];
  const attributes = { strides, dilations, group, kernel_shape: w.kernel, pads: w.pads };
  const patches = e.emit('Conv', [padded, kernel], [{ dtype: x.dtype, dims: picked }], attributes)[0]!;
  const column = [batch, channels, 1, ...spatial(dy)];
  const side = e.reshape(patches, [batch, channels, size, ...spatial(dy)]);
  const wins = e.cast(e.binary('Equal', side, e.reshape(y, column), 'bool'), dy.dtype);
  const shares = e.mul(wins, e.div(e.reshape(dy, column), e.sum(wins, [2])));
  const dx = convInput(c, e.reshape(shares, picked), kernel, dims, w);
  return [spatial(x).reduce((part, dim, i) => e.slice(part, i + 2, pads[i]!, pads[i]! + dim), dx)];
};

export const windows: Record<string, Rule> = {
  Conv: (c) => {
    const [x, kernel] = c.x as [TypedValue, TypedValue];
    const w = windowsOf(c.op, spatial(kernel), spatial(x), spatial(c.dy));
    return [convInput(c, c.dy, kernel, x.dims, w), convKernel(c, x, c.dy, kernel, w), channelSums(c)];
  },
  /** The convolution that it is the transpose of gives the gradient by its input. */
  ConvTranspose: (c) => {
    const { e, dy } = c;
    const [x, kernel] = c.x as [TypedValue, TypedValue];
    const w = windowsOf(c.op, spatial(kernel), spatial(dy), spatial(x));
    const { strides, pads, dilations, group } = w;
    const attributes = { strides, pads, dilations, group, kernel_shape: w.kernel };
    const full = spatial(dy).map(
      (size, i) =>
        Math.floor((size + pads[i]! + pads[i + w.kernel.length]! - reachOf(w, i)) / strides[i]!) + 1,
    );
    const dims = [...x.dims.slice(0, 2), ...full];
    const whole = e.emit('Conv', [dy, kernel], [{ dtype: dy.dtype, dims }], attributes)[0]!;
    const dx = spatial(x).reduce((part, size, i) => e.slice(part, i + 2, 0, size), whole);
    return [dx, convKernel(c, dy, x, kernel, w), channelSums(c)];
  },
  AveragePool: averagePool,
  MaxPool: maxPool,
};
