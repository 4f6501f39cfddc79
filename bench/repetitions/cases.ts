import { elementCount, type GraphBuilder, int64, type Tensor } from '../../engine/index.ts';
import { Random } from '../../random/index.ts';

/** An input that is differentiated, by its shape. */
interface Given {
  shape: readonly number[];
  /** Its numbers are above 0. */
  positive?: boolean;
}

/** A rule at work on tensors that are large enough to be split between threads. */
export interface RepeatedRule {
  /** As in the table of rules. */
  rule: string;
  /** What the operation reads: differentiated inputs, and constants (a list of numbers is one of whole numbers). */
  args: readonly (Given | Tensor | readonly number[] | null)[];
  attributes?: Parameters<GraphBuilder['op']>[2];
  outputs?: number;
  opset?: number;
}

const rows = 512;
const columns = 96;
const matrix = [rows, columns];

/** Whole numbers below `bound`, repeated and in no order. */
function places(dims: number[], bound: number): Tensor {
  const random = new Random(11, 'places', bound);
  return int64(
    dims,
    Array.from({ length: elementCount(dims) }, () => random.int(bound)),
  );
}

/** 0 to `count` - 1 in no order. */
const shuffled = (count: number) =>
  new Random(12, 'shuffled').shuffle(Array.from({ length: count }, (_, i) => i));

const window = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const x = (...shape: number[]): Given => ({ shape });
const m = x(...matrix);
const picture = x(4, 8, 28, 28);
const first = { axes: [0] };
const truths: Tensor = {
  dtype: 'bool',
  dims: matrix,
  data: Uint8Array.from({ length: rows * columns }, (_, i) => ((i * 7) % 3) & 1),
};

/** Every rule that moves, looks up, scatters or adds up, alone. Broadcasting is undone after the elementwise ones. */
export const repeatedRules: readonly RepeatedRule[] = [
  { rule: 'Mul', args: [m, x(columns)] },
  { rule: 'Where', args: [truths, m, x(rows, 1)] },
  { rule: 'PRelu', args: [picture, x(8, 1, 1)] },
  { rule: 'MatMul', args: [x(4, 128, 64), x(4, 64, 128)] },
  {
    rule: 'com.microsoft.FusedMatMul',
    args: [x(4, 128, 64), x(4, 128, 64)],
    attributes: { transB: 1, alpha: 0.5 },
  },
  { rule: 'Gemm', args: [m, x(columns, 64), x(64)] },
  {
    rule: 'com.microsoft.RotaryEmbedding',
    args: [x(2, 4, 256, 32), int64([1], [0]), tensorOf([256, 16], 21), tensorOf([256, 16], 22)],
  },
  { rule: 'Conv', args: [picture, x(8, 8, 3, 3), x(8)], attributes: window },
  { rule: 'ConvTranspose', args: [picture, x(8, 4, 3, 3), x(4)], attributes: { ...window, strides: [2, 2] } },
  { rule: 'AveragePool', args: [picture], attributes: { ...window, strides: [2, 2] } },
  { rule: 'MaxPool', args: [picture], attributes: window },
  { rule: 'GlobalMaxPool', args: [picture] },
  { rule: 'GlobalAveragePool', args: [picture] },
  { rule: 'Reshape', args: [m, [columns, rows]] },
  { rule: 'Transpose', args: [m], attributes: { perm: [1, 0] } },
  { rule: 'Expand', args: [x(1, columns), matrix] },
  { rule: 'Tile', args: [x(64, columns), [4, 3]] },
  { rule: 'Concat', args: [m, m], attributes: { axis: 0 } },
  { rule: 'Split', args: [m, [200, 312]], attributes: { axis: 0 }, outputs: 2 },
  { rule: 'Slice', args: [m, [rows - 1], [-rows - 1], [0], [-3]] },
  { rule: 'Pad', args: [m, [40, 40, 40, 40]], attributes: { mode: 'reflect' } },
  { rule: 'Resize', args: [picture, null, null, [4, 8, 45, 17]], attributes: { mode: 'linear' } },
  { rule: 'Trilu', args: [m] },
  { rule: 'ReverseSequence', args: [m, places([columns], rows)] },
  { rule: 'CumSum', args: [m, int64([], [0])] },
  { rule: 'Gather', args: [m, places([2048], rows)] },
  { rule: 'GatherElements', args: [x(256, 48), places([256, 64], 48)], attributes: { axis: 1 } },
  { rule: 'GatherND', args: [m, places([1024, 1], rows)] },
  { rule: 'ScatterElements', args: [m, scattered(64), x(64, columns)], attributes: { axis: 0 } },
  { rule: 'ScatterND', args: [m, int64([256, 1], shuffled(256)), x(256, columns)] },
  { rule: 'TopK', args: [x(256, 64), [8]], outputs: 2 },
  { rule: 'ReduceSum', args: [m, [0]] },
  ...[
    'ReduceMean',
    'ReduceMax',
    'ReduceMin',
    'ReduceL1',
    'ReduceL2',
    'ReduceSumSquare',
    'ReduceLogSumExp',
  ].map((rule) => ({ rule, args: [m], attributes: first })),
  { rule: 'ReduceLogSum', args: [{ shape: matrix, positive: true }], attributes: first },
  { rule: 'LpNormalization', args: [m], attributes: { axis: 0 } },
  { rule: 'Softmax', args: [m], attributes: { axis: 0 } },
  { rule: 'LogSoftmax', args: [m], attributes: { axis: -1 } },
  { rule: 'LayerNormalization', args: [m, x(columns), x(columns)] },
  { rule: 'RMSNormalization', args: [m, x(columns)], opset: 23 },
  { rule: 'SimplifiedLayerNormalization', args: [m, x(columns)] },
  { rule: 'Einsum', args: [x(4, 64, 32), x(4, 32, 64)], attributes: { equation: 'bij,bjk->bki' } },
];

/** For each column 64 rows, each of them once. */
function scattered(count: number): Tensor {
  const order = shuffled(rows);
  return int64(
    [count, columns],
    Array.from(
      { length: count * columns },
      (_, i) => order[(Math.floor(i / columns) + 7 * (i % columns)) % rows]!,
    ),
  );
}

export function tensorOf(dims: readonly number[], seed: number): Tensor {
  const random = new Random(seed, 'repetitions', ...dims);
  const data = Float32Array.from({ length: elementCount([...dims]) }, () => random.normal());
  return { dtype: 'float32', dims: [...dims], data };
}
