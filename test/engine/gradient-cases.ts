import { type GraphBuilder, int64, type Tensor, type Value } from '../../engine/index.ts';
import { type Build, type GradientCase, spread } from './gradient-check.ts';

type Attributes = Parameters<GraphBuilder['op']>[2];
const MICROSOFT = { domain: 'com.microsoft' };
const bools = (dims: number[], values: number[]): Tensor => ({
  dtype: 'bool',
  dims,
  data: Uint8Array.from(values),
});
const positive = { positive: true };

function op(type: string, attributes: Attributes = {}, options = {}): Build {
  return (b, x) => b.op(type, x, attributes, options);
}
/** An operation on the inputs and further constant inputs. */
function withConstants(
  type: string,
  constants: (number[] | Tensor | number)[],
  attributes: Attributes = {},
): Build {
  return (b, x) => b.op(type, [...x, ...constants.map((c) => b.constant(c))], attributes);
}
function one(type: string, inputs: Tensor[], attributes: Attributes = {}, suffix = ''): GradientCase {
  return { name: `${type}${suffix}`, build: op(type, attributes), inputs };
}

const unary = 'Neg Exp Sin Cos Erf Tanh Sigmoid Softplus Relu Abs Identity Dropout'.split(' ');
const binary = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'];
const broadcasts: [number[], number[]][] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [
    [2, 1, 3],
    [4, 1],
  ],
  [[], [2, 2]],
];

export const elementwiseCases: GradientCase[] = [
  ...unary.flatMap((type) => [[5], [2, 3]].map((dims) => one(type, [spread(dims)], {}, ` [${dims}]`))),
  ...['Sqrt', 'Reciprocal', 'Log'].map((type) => one(type, [spread([2, 3], { low: 0.6, positive: true })])),
  ...binary.flatMap((type) =>
    broadcasts.map(([a, b]) =>
      one(type, [spread(a, { low: 0.6 }), spread(b, { low: 0.7, seed: 2 })], {}, ` [${a}] [${b}]`),
    ),
  ),
  one('Sum', [spread([2, 3]), spread([3], { seed: 2 }), spread([2, 1], { seed: 3 })]),
  one('Max', [spread([2, 3]), spread([3], { seed: 2 }), spread([2, 1], { seed: 3 })], {}, ' of three'),
  { name: 'Pow 2', build: withConstants('Pow', [2]), inputs: [spread([2, 3])] },
  { name: 'Pow 3.5', build: withConstants('Pow', [3.5]), inputs: [spread([2, 3], positive)] },
  one('Pow', [spread([2, 3], positive), spread([3], { seed: 2 })], {}, ' of both'),
  one('LeakyRelu', [spread([2, 3])], { alpha: 0.2 }),
  { name: 'Gelu', build: op('Gelu'), inputs: [spread([2, 3])], opset: 20 },
  { name: 'Gelu tanh', build: op('Gelu', { approximate: 'tanh' }), inputs: [spread([2, 3])], opset: 20 },
  { name: 'Mish', build: op('Mish'), inputs: [spread([2, 3])], opset: 18 },
  { name: 'ms Gelu', build: op('Gelu', {}, MICROSOFT), inputs: [spread([2, 3])] },
  {
    name: 'ms FastGelu',
    build: op('FastGelu', {}, MICROSOFT),
    inputs: [spread([2, 3]), spread([3], { seed: 2 })],
  },
  { name: 'ms QuickGelu', build: op('QuickGelu', { alpha: 1.702 }, MICROSOFT), inputs: [spread([2, 3])] },
  { name: 'Clip', build: withConstants('Clip', [-0.9, 0.75]), inputs: [spread([7])] },
  {
    name: 'Where',
    build: op('Where'),
    inputs: [bools([2, 3], [1, 0, 1, 1, 0, 0]), spread([3]), spread([2, 3], { seed: 2 })],
  },
  {
    name: 'Cast',
    build: (b, [x]) => b.op('Cast', [b.op('Exp', [b.op('Cast', [x!], { to: 11 })])], { to: 1 }),
    inputs: [spread([3])],
  },
];

export const shapeCases: GradientCase[] = [
  { name: 'Reshape', build: withConstants('Reshape', [[3, -1]]), inputs: [spread([2, 3])] },
  { name: 'Squeeze', build: withConstants('Squeeze', [[1]]), inputs: [spread([2, 1, 3])] },
  { name: 'Unsqueeze', build: withConstants('Unsqueeze', [[0, 2]]), inputs: [spread([2, 3])] },
  one('Flatten', [spread([2, 3, 2])], { axis: 1 }),
  one('Transpose', [spread([2, 3, 4])], { perm: [2, 0, 1] }),
  one('Transpose', [spread([2, 3])], {}, ' reversed'),
  { name: 'Expand', build: withConstants('Expand', [[2, 4, 3]]), inputs: [spread([4, 1])] },
  { name: 'Tile', build: withConstants('Tile', [[2, 3]]), inputs: [spread([2, 2])] },
  ...[0, -1].map((axis) =>
    one('Concat', [spread([2, 3]), spread([2, 3], { seed: 2 })], { axis }, ` ${axis}`),
  ),
  {
    name: 'Concat with nothing',
    build: (b, [x]) =>
      b.op('Concat', [b.constant({ dtype: 'float32', dims: [0, 3], data: new Float32Array() }), x!], {
        axis: 0,
      }),
    inputs: [spread([2, 3])],
  },
  {
    name: 'Split',
    build: (b, [x]) => {
      const [p, q] = b.ops('Split', [x!, b.constant([1, 2])], 2, { axis: 1 }) as [Value, Value];
      return b.op('Mul', [p, q]);
    },
    inputs: [spread([2, 3])],
  },
  {
    name: 'Split, one part read',
    build: (b, [x]) => b.op('Exp', [b.ops('Split', [x!, b.constant([1, 2])], 2, { axis: 1 })[1]!]),
    inputs: [spread([2, 3])],
  },
  { name: 'Slice', build: withConstants('Slice', [[1], [3], [1]]), inputs: [spread([2, 4])] },
  {
    name: 'Slice from the end',
    build: withConstants('Slice', [
      [-2, 0],
      [9, -1],
      [1, 0],
    ]),
    inputs: [spread([3, 4])],
  },
  {
    name: 'Slice by steps',
    build: withConstants('Slice', [
      [0, -1],
      [4, -9],
      [1, 0],
      [2, -1],
    ]),
    inputs: [spread([3, 4])],
  },
  { name: 'Pad', build: withConstants('Pad', [[1, 0, 2, 1]]), inputs: [spread([2, 3])] },
  {
    name: 'Gather one',
    build: withConstants('Gather', [int64([], [-1])], { axis: 1 }),
    inputs: [spread([2, 3, 2])],
  },
  {
    name: 'Gather repeated',
    build: withConstants('Gather', [int64([2, 2], [2, 0, 2, 1])], { axis: 1 }),
    inputs: [spread([2, 3, 2])],
  },
  {
    name: 'GatherElements',
    build: op('GatherElements', { axis: 1 }),
    inputs: [spread([2, 3]), int64([2, 4], [0, 2, 2, 1, 1, 1, 0, 2])],
  },
  {
    name: 'GatherElements first axis',
    build: op('GatherElements', { axis: 0 }),
    inputs: [spread([3, 2]), int64([1, 2], [2, 1])],
  },
  {
    name: 'ScatterND',
    build: (b, [x, u]) => b.op('ScatterND', [x!, b.constant(int64([2, 1], [2, 0])), u!]),
    inputs: [spread([3, 2]), spread([2, 2], { seed: 2 })],
  },
  ...([{}, { exclusive: 1 }, { reverse: 1 }] as Attributes[]).map((attributes) => ({
    name: `CumSum ${JSON.stringify(attributes)}`,
    build: withConstants('CumSum', [int64([], [1])], attributes),
    inputs: [spread([2, 3])],
  })),
];

const axesInput = (type: string, opset: number, keepdims: number): GradientCase => ({
  name: `${type} opset ${opset} keepdims ${keepdims}`,
  build: (b, [x]) =>
    type === 'ReduceSum' || opset >= 18
      ? b.op(type, [x!, b.constant([1])], { keepdims })
      : b.op(type, [x!], { axes: [1], keepdims }),
  inputs: [spread([2, 3, 2])],
  opset,
});

export const reductionCases: GradientCase[] = [
  ...['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin'].flatMap((type) => [
    axesInput(type, 17, 1),
    axesInput(type, 18, 0),
  ]),
  {
    name: 'ReduceSum of all',
    build: (b, [x]) => b.op('ReduceSum', [x!], { keepdims: 0 }),
    inputs: [spread([2, 3])],
  },
  ...['ReduceLogSumExp', 'ReduceL2', 'ReduceSumSquare'].map((type) => axesInput(type, 18, 0)),
  one('GlobalAveragePool', [spread([2, 2, 3, 3])]),
  ...['Softmax', 'LogSoftmax'].flatMap((type) =>
    [0, -1].map((axis) => one(type, [spread([2, 4])], { axis }, ` ${axis}`)),
  ),
  one('LayerNormalization', [spread([2, 3, 4]), spread([4], { seed: 2 }), spread([4], { seed: 3 })], {
    axis: -1,
    epsilon: 1e-3,
  }),
  one(
    'LayerNormalization',
    [spread([2, 2, 3]), spread([2, 3], { seed: 2 })],
    { axis: 1 },
    ' two axes, no bias',
  ),
  {
    name: 'SimplifiedLayerNormalization',
    build: op('SimplifiedLayerNormalization', { axis: -1, epsilon: 1e-3 }),
    inputs: [spread([2, 4]), spread([4], { seed: 2 })],
  },
  {
    name: 'RMSNormalization',
    build: op('RMSNormalization', { axis: -1, epsilon: 1e-3 }),
    inputs: [spread([2, 4]), spread([4], { seed: 2 })],
    opset: 23,
  },
];

const matmul = (a: number[], b: number[]) =>
  one('MatMul', [spread(a), spread(b, { seed: 2 })], {}, ` [${a}] [${b}]`);
const conv = (x: number[], w: number[], attributes: Attributes, bias = false): GradientCase =>
  one(
    'Conv',
    [spread(x), spread(w, { seed: 2 }), ...(bias ? [spread([w[0]!], { seed: 3 })] : [])],
    attributes,
    ` [${x}] [${w}] ${JSON.stringify(attributes)}`,
  );
const flags = [0, 1].flatMap((transA) => [0, 1].map((transB) => ({ transA, transB })));
const turned = (dims: number[], turn: number) =>
  turn ? [...dims.slice(0, -2), dims.at(-1)!, dims.at(-2)!] : dims;

export const productCases: GradientCase[] = [
  matmul([2, 3], [3, 2]),
  matmul([2, 2, 3], [3, 2]),
  matmul([2, 2, 3], [2, 3, 2]),
  matmul([2, 1, 2, 3], [3, 3, 2]),
  matmul([3], [3, 2]),
  matmul([2, 2, 3], [3]),
  ...flags.map((f) =>
    one(
      'Gemm',
      [
        spread(turned([2, 3], f.transA)),
        spread(turned([3, 2], f.transB), { seed: 2 }),
        spread([2], { seed: 3 }),
      ],
      { ...f, alpha: 0.5, beta: 2 },
      ` ${JSON.stringify(f)}`,
    ),
  ),
  ...flags.map((f) => ({
    name: `FusedMatMul ${JSON.stringify(f)}`,
    build: op('FusedMatMul', { ...f, alpha: 0.5 }, MICROSOFT),
    inputs: [spread(turned([2, 2, 3], f.transA)), spread(turned([2, 3, 2], f.transB), { seed: 2 })],
  })),
  conv([1, 2, 5, 5], [3, 2, 3, 3], { kernel_shape: [3, 3] }, true),
  conv([2, 1, 6, 5], [2, 1, 3, 2], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1] }, true),
  conv([1, 2, 6, 6], [2, 2, 2, 2], { kernel_shape: [2, 2], strides: [2, 2] }),
  conv([1, 2, 6, 6], [2, 2, 2, 2], { kernel_shape: [2, 2], dilations: [2, 2] }),
  conv([1, 4, 4, 4], [4, 2, 3, 3], { kernel_shape: [3, 3], group: 2, pads: [1, 1, 1, 1] }),
  ...[0, 1].map((count_include_pad) =>
    one(
      'AveragePool',
      [spread([1, 2, 5, 5])],
      { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad },
      ` pad ${count_include_pad}`,
    ),
  ),
  {
    name: 'RotaryEmbedding',
    build: op('RotaryEmbedding'),
    inputs: [
      spread([1, 2, 3, 4]),
      spread([1, 3, 2], { seed: 2, high: 0.9 }),
      spread([1, 3, 2], { seed: 3, high: 0.9 }),
    ],
    wrt: [0],
    opset: 23,
  },
  {
    name: 'MatMulNBits',
    build: (b, [x]) => {
      const data = Uint8Array.from({ length: 24 }, (_, i) => (i * 37) % 256);
      const weight = b.constant({ dtype: 'uint8', dims: [3, 1, 8], data });
      const attributes = { K: 16, N: 3, bits: 4, block_size: 16 };
      return b.op('MatMulNBits', [x!, weight, b.constant(spread([3, 1], positive))], attributes, MICROSOFT);
    },
    inputs: [spread([2, 16])],
  },
];
