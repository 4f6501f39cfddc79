import { type GraphBuilder, int64, type Value } from '../../engine/index.ts';
import { type GradientCase, spread } from './gradient-check.ts';

/** Chains of operations that passes rewrite as a whole. */
export const chainCases: GradientCase[] = [
  {
    name: 'Erf form of GELU',
    build: (b, [x]) =>
      b.op('Mul', [
        b.op('Mul', [
          x!,
          b.op('Add', [b.op('Erf', [b.op('Div', [x!, b.constant(Math.SQRT2)])]), b.constant(1)]),
        ]),
        b.constant(0.5),
      ]),
    inputs: [spread([2, 3])],
  },
  {
    name: 'linear layer',
    build: (b, [x, w, c]) => b.op('Add', [c!, b.op('MatMul', [x!, w!])]),
    inputs: [spread([2, 2, 3]), spread([3, 4], { seed: 2 }), spread([4], { seed: 3 })],
  },
  {
    name: 'linear layer read twice',
    build: (b, [x, w, c]) => {
      const y = b.op('MatMul', [x!, w!]);
      return b.op('Mul', [y, b.op('Add', [y, c!])]);
    },
    inputs: [spread([2, 2, 3]), spread([3, 4], { seed: 2 }), spread([4], { seed: 3 })],
  },
  {
    name: 'attention',
    build: (b, [q, k, v]) => {
      const s = b.op('Div', [
        b.op('MatMul', [q!, b.op('Transpose', [k!], { perm: [0, 2, 1] })]),
        b.constant(1.5),
      ]);
      return b.op('MatMul', [b.op('Softmax', [s], { axis: -1 }), v!]);
    },
    inputs: [spread([2, 3, 2]), spread([2, 3, 2], { seed: 2 }), spread([2, 3, 2], { seed: 3 })],
  },
  {
    name: 'last row of a chain',
    build: (b, [x, w]) =>
      b.op('Slice', [
        b.op('Softmax', [b.op('MatMul', [b.op('Mul', [x!, b.op('Sigmoid', [x!])]), w!])], { axis: -1 }),
        b.constant([5]),
        b.constant([6]),
        b.constant([1]),
      ]),
    inputs: [spread([2, 6, 2]), spread([2, 3], { seed: 2 })],
  },
  {
    name: 'last row of attention',
    build: (b, [x]) => {
      const s = b.op('MatMul', [x!, b.op('Transpose', [x!], { perm: [0, 2, 1] })]);
      const y = b.op('Add', [x!, b.op('MatMul', [b.op('Softmax', [s], { axis: -1 }), x!])]);
      return b.op('Gather', [y, b.constant(int64([], [-1]))], { axis: 1 });
    },
    inputs: [spread([2, 5, 2])],
  },
  ...[0, 1].map((batched) => ({
    name: `rotary positions ${batched ? 'of each row' : 'alike'}`,
    build: (b: GraphBuilder, [x, angle]: Value[]) => {
      const both = b.op('Concat', [angle!, angle!], { axis: -1 });
      const [low, high] = b.ops('Split', [x!, b.constant([4, 4])], 2, { axis: -1 }) as [Value, Value];
      const turned = b.op('Concat', [b.op('Neg', [high]), low], { axis: -1 });
      const [cos, sin] = [b.op('Cos', [both]), b.op('Sin', [both])];
      return b.op('Add', [b.op('Mul', [x!, cos]), b.op('Mul', [turned, sin])]);
    },
    inputs: [spread([2, 2, 3, 8]), spread([batched ? 2 : 1, 1, 3, 4], { seed: 2 })],
    wrt: [0],
  })),
  {
    name: 'a value with several readers',
    build: (b, [x]) => {
      const y = b.op('Tanh', [x!]);
      return b.op('Mul', [b.op('Add', [y, x!]), b.op('Exp', [y])]);
    },
    inputs: [spread([2, 3])],
  },
  {
    name: 'shape arithmetic',
    build: (b, [x]) =>
      b.op('Reshape', [
        x!,
        b.op(
          'Concat',
          [b.op('Slice', [b.op('Shape', [x!]), b.constant([0]), b.constant([1])]), b.constant([-1])],
          { axis: 0 },
        ),
      ]),
    inputs: [spread([2, 3, 2])],
  },
];
