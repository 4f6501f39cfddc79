import { int64, type Tensor } from '../../engine/index.ts';
import { type Build, type GradientCase, spread } from './gradient-check.ts';

type Attributes = Record<string, number | string | readonly number[]>;

const of =
  (type: string, constants: (number[] | Tensor | null)[] = [], attributes: Attributes = {}): Build =>
  (b, x) =>
    b.op(type, [...x, ...constants.map((value) => value && b.constant(value))], attributes);
const made = (type: string, inputs: Tensor[], attributes: Attributes = {}): GradientCase => ({
  name: `${type} ${inputs.map(({ dims }) => `[${dims}]`)} ${JSON.stringify(attributes)}`,
  build: of(type, [], attributes),
  inputs,
});
const floats = (values: number[]): Tensor => ({
  dtype: 'float32',
  dims: [values.length],
  data: Float32Array.from(values),
});

const square = { kernel_shape: [3, 3] };
const transposed = (x: number[], w: number[], attributes: Attributes): GradientCase =>
  made('ConvTranspose', [spread(x), spread(w, { seed: 2 }), spread([w[1]!], { seed: 3 })], attributes);

/** Operations that slide windows over an image. */
export const windowCases: GradientCase[] = [
  made('Conv', [spread([1, 2, 5, 6]), spread([2, 2, 3, 3], { seed: 2 })], {
    ...square,
    auto_pad: 'SAME_UPPER',
    strides: [2, 2],
  }),
  made('Conv', [spread([1, 2, 7]), spread([2, 2, 2], { seed: 2 })], {
    kernel_shape: [2],
    auto_pad: 'SAME_LOWER',
  }),
  made('Conv', [spread([1, 1, 4, 4, 4]), spread([2, 1, 2, 2, 2], { seed: 2 })], { kernel_shape: [2, 2, 2] }),
  transposed([1, 2, 3, 3], [2, 2, 3, 3], {
    ...square,
    strides: [2, 2],
    pads: [1, 1, 0, 1],
    output_padding: [1, 0],
  }),
  transposed([2, 2, 3], [2, 2, 2], { kernel_shape: [2], dilations: [2] }),
  made('ConvTranspose', [spread([1, 4, 3, 3]), spread([4, 1, 2, 2], { seed: 2 })], {
    kernel_shape: [2, 2],
    group: 2,
    strides: [2, 2],
    auto_pad: 'SAME_UPPER',
  }),
  made('ConvTranspose', [spread([1, 1, 3, 3]), spread([1, 1, 3, 3], { seed: 2 })], {
    ...square,
    strides: [2, 2],
    output_shape: [6, 7],
  }),
  made('MaxPool', [spread([2, 3, 6, 6])], { kernel_shape: [2, 2], strides: [2, 2] }),
  made('MaxPool', [spread([1, 2, 6, 5])], { ...square, pads: [1, 1, 0, 1], strides: [1, 2] }),
  made('MaxPool', [spread([1, 1, 7, 7])], {
    kernel_shape: [2, 2],
    dilations: [2, 2],
    ceil_mode: 1,
    strides: [2, 2],
  }),
  made('MaxPool', [spread([1, 2, 7])], { kernel_shape: [3], auto_pad: 'SAME_LOWER' }),
  made('AveragePool', [spread([1, 2, 6, 6])], {
    ...square,
    strides: [2, 2],
    ceil_mode: 1,
    pads: [1, 1, 1, 1],
  }),
  { ...made('AveragePool', [spread([1, 2, 7])], { kernel_shape: [2], dilations: [3] }), opset: 19 },
  made('LpPool', [spread([1, 2, 5, 5])], { kernel_shape: [2, 2], p: 3 }),
  made('GlobalLpPool', [spread([1, 2, 3, 3])], { p: 3 }),
  made('LRN', [spread([1, 5, 2, 2])], { size: 3, alpha: 0.3 }),
  made('DepthToSpace', [spread([1, 8, 2, 3])], { blocksize: 2, mode: 'CRD' }),
];

/** Operations that look elements up, put them somewhere, or resize. */
export const lookupCases: GradientCase[] = [
  { name: 'Gather many times', build: of('Gather', [[0, 0, 1, 0, 0, -3, 0, 2]]), inputs: [spread([3, 2])] },
  {
    name: 'GatherND of batches',
    build: of('GatherND', [int64([2, 2, 1], [2, 0, -1, -1])], { batch_dims: 1 }),
    inputs: [spread([2, 3, 2])],
  },
  {
    name: 'GatherND of pairs',
    build: of('GatherND', [int64([3, 2], [0, 1, 2, 1, 0, 1])]),
    inputs: [spread([3, 2])],
  },
  {
    name: 'GatherElements of a part',
    build: of('GatherElements', [], { axis: 1 }),
    inputs: [spread([3, 3]), int64([2, 2], [2, -1, 0, 1])],
  },
  ...(['none', 'add'] as const).map((reduction) => ({
    name: `ScatterElements ${reduction}`,
    build: ((b, [x, u]) =>
      b.op('ScatterElements', [x!, b.constant(int64([1, 2], [2, reduction === 'add' ? 2 : 0])), u!], {
        axis: 1,
        reduction,
      })) as Build,
    inputs: [spread([2, 3]), spread([1, 2], { seed: 2 })],
    opset: 18,
  })),
  {
    name: 'ScatterND add',
    build: (b, [x, u]) =>
      b.op('ScatterND', [x!, b.constant(int64([3, 1], [2, 0, 2])), u!], { reduction: 'add' }),
    inputs: [spread([3, 2]), spread([3, 2], { seed: 2 })],
    opset: 18,
  },
  ...[0, -1].map((axis) => ({
    name: `TopK ${axis}`,
    build: ((b, [x]) => b.ops('TopK', [x!, b.constant([2])], 2, { axis })[0]!) as Build,
    inputs: [spread([3, 4])],
  })),
  ...['reflect', 'edge', 'wrap'].map((mode) => ({
    name: `Pad ${mode}`,
    build: of('Pad', [[2, 1, 1, 0]], { mode }),
    inputs: [spread([3, 2])],
    opset: 19,
  })),
  { name: 'Pad less', build: of('Pad', [[-1, 1, 0, -1]]), inputs: [spread([3, 3])] },
  {
    name: 'Pad of one axis with a trained value',
    build: (b, [x, value]) => b.op('Pad', [x!, b.constant([1, 2]), value!, b.constant([-1])]),
    inputs: [spread([2, 2]), spread([])],
    opset: 18,
  },
  ...['nearest', 'linear', 'cubic'].flatMap((mode) =>
    ['half_pixel', 'align_corners', 'asymmetric'].map((coordinate_transformation_mode) => ({
      name: `Resize ${mode} ${coordinate_transformation_mode}`,
      build: of('Resize', [null, null, [1, 2, 6, 3]], { mode, coordinate_transformation_mode }),
      inputs: [spread([1, 2, 4, 4])],
    })),
  ),
  {
    name: 'Resize by scales, smoothed',
    build: of('Resize', [null, floats([0.6, 1.7])], { mode: 'linear', antialias: 1, axes: [2, 3] }),
    inputs: [spread([1, 1, 5, 4])],
    opset: 18,
  },
  ...['ij,jk', 'ij,jk->ki', '...ij,...jk->...ik', 'bij,jk->b', 'ij->j', 'ij,kj->i'].map((equation) => ({
    name: `Einsum ${equation}`,
    build: of('Einsum', [], { equation }),
    inputs: equation.includes('...')
      ? [spread([2, 2, 3]), spread([2, 3, 2], { seed: 2 })]
      : equation === 'ij->j'
        ? [spread([2, 3])]
        : equation.startsWith('b')
          ? [spread([2, 2, 3]), spread([3, 2], { seed: 2 })]
          : equation === 'ij,kj->i'
            ? [spread([2, 3]), spread([4, 3], { seed: 2 })]
            : [spread([2, 3]), spread([3, 2], { seed: 2 })],
  })),
  { name: 'Trilu', build: of('Trilu', [int64([], [1])], { upper: 0 }), inputs: [spread([2, 3, 4])] },
  {
    name: 'ReduceProd with a zero',
    build: of('ReduceProd', [], { axes: [1] }),
    inputs: [{ dtype: 'float32', dims: [2, 5], data: Float32Array.from([1, 2, 0, 3, -1, 2, 1, 3, -2, 0.5]) }],
  },
];
