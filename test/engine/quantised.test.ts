import { afterAll, describe, expect, it, vi } from 'vitest';
import { compile, float32, GraphBuilder, type Tensor, toNumbers, type Value } from '../../engine/index.ts';
import { quantised } from '../../engine/lowering/quantised.ts';
import { FUSED } from '../../engine/lowering/table.ts';
import { Random } from '../../random/index.ts';
import { type Build, forwardError, randomTensor, spread } from './gradient-check.ts';
import { relativeError } from './reference.ts';

const MICROSOFT = { domain: 'com.microsoft' };

const bytes = (dtype: 'uint8' | 'int8', dims: number[], seed: number): Tensor => {
  const random = new Random(seed, 'bytes', ...dims);
  const data = Uint8Array.from({ length: dims.reduce((n, d) => n * d, 1) }, () => random.int(256));
  return { dtype, dims, data: dtype === 'int8' ? new Int8Array(data.buffer) : data };
};
const scalesOf = (dims: number[], seed = 5) => spread(dims, { low: 0.01, high: 0.05, positive: true, seed });
const matrix = (dims: number[], value: (row: number, column: number) => number): Tensor =>
  float32(
    dims,
    Array.from({ length: dims[0]! * dims[1]! }, (_, i) => value(Math.floor(i / dims[1]!), i % dims[1]!)),
  );

/** A quantised operation, and the float operation whose gradients it has. */
interface Case {
  name: string;
  build: Build;
  twin: Build;
  inputs: Tensor[];
  /** How far the quantised result may be from the float one, relative to its largest entry. */
  near: number;
}

interface Blocks {
  bits: number;
  depth?: number;
  zeros?: 'packed' | 'floats';
  bias?: boolean;
  accuracy?: number;
  near?: number;
}

function blocked(name: string, { bits, depth = 32, zeros, bias, accuracy = 0, near = 1e-5 }: Blocks): Case {
  const [rows, block] = [6, 16];
  const blocks = Math.ceil(depth / block);
  const width = (block * bits) / 8;
  const zeroWidth = Math.ceil((blocks * bits) / 8);
  const packed = bytes('uint8', [rows, blocks, width], 3);
  const scales = scalesOf([rows, blocks]);
  const zeroBytes = bytes('uint8', [rows, zeroWidth], 4);
  const zeroFloats = spread([rows, blocks], { low: 3, high: 9, positive: true, seed: 6 });
  /** Element `i` of a row of `perRow` bytes. */
  const element = (t: Tensor, perRow: number, row: number, i: number) =>
    (Number(t.data[row * perRow + Math.floor((i * bits) / 8)]) >> ((i * bits) % 8)) & (2 ** bits - 1);
  const weight = matrix([depth, rows], (k, n) => {
    const at = n * blocks + Math.floor(k / block);
    const zero = {
      packed: element(zeroBytes, zeroWidth, n, Math.floor(k / block)),
      floats: zeroFloats.data[at],
    };
    const off = zeros ? Number(zero[zeros]) : 2 ** (bits - 1);
    return (element(packed, blocks * width, n, k) - off) * Number(scales.data[at]);
  });
  const zero = { packed: zeroBytes, floats: zeroFloats };
  return {
    name: `MatMulNBits ${name}`,
    build: (b, [x, c]) => {
      const slots = [
        x!,
        b.constant(packed),
        b.constant(scales),
        zeros ? b.constant(zero[zeros]) : null,
        null,
        c ?? null,
      ];
      while (!slots.at(-1)) slots.pop();
      const attributes = { K: depth, N: rows, bits, block_size: block, accuracy_level: accuracy };
      return b.op('MatMulNBits', slots, attributes, MICROSOFT);
    },
    twin: (b, [x, c]) => {
      const y = b.op('MatMul', [x!, b.constant(weight)]);
      return c ? b.op('Add', [y, c]) : y;
    },
    inputs: [spread([2, 3, depth]), ...(bias ? [spread([rows], { seed: 2 })] : [])],
    near,
  };
}

const scalar = (value: number) => float32([], [value]);
/** (bytes - zero) * scale; the zero point is of the bytes' type. */
const floats = (q: Tensor, zero: number, scale: number) =>
  float32(
    q.dims,
    toNumbers(q).map((value) => (value - zero) * scale),
  );
const dynamic = (b: GraphBuilder, x: Value) =>
  b.ops('DynamicQuantizeLinear', [x], 3) as [Value, Value, Value];

function integers(kind: 'MatMulInteger' | 'ConvInteger', weightType: 'int8' | 'uint8'): Case {
  const conv = kind === 'ConvInteger';
  const weight = bytes(weightType, conv ? [3, 2, 2, 2] : [5, 4], 3);
  const zero: Tensor = {
    dtype: weightType,
    dims: [],
    data: weightType === 'int8' ? Int8Array.of(-3) : Uint8Array.of(120),
  };
  const attributes: Record<string, number[]> = conv ? { kernel_shape: [2, 2], pads: [1, 1, 0, 0] } : {};
  return {
    name: `${kind} ${weightType}`,
    build: (b, [x]) => {
      const [q, scale, zeroX] = dynamic(b, x!);
      const product = b.op(kind, [q, b.constant(weight), zeroX, b.constant(zero)], attributes);
      return b.op('Mul', [
        b.op('Cast', [product], { to: 1 }),
        b.op('Mul', [scale, b.constant(scalar(0.02))]),
      ]);
    },
    twin: (b, [x]) => {
      const w = b.constant(floats(weight, Number(zero.data[0]), 0.02));
      return conv ? b.op('Conv', [x!, w], attributes) : b.op('MatMul', [x!, w]);
    },
    inputs: [conv ? spread([2, 2, 4, 4]) : spread([2, 3, 5])],
    near: 0.02,
  };
}

const weight = bytes('int8', [5, 4], 3);
const cases: Case[] = [
  blocked('4 bits', { bits: 4 }),
  blocked('4 bits, zero points, bias', { bits: 4, depth: 48, zeros: 'packed', bias: true }),
  blocked('4 bits, zero points as floats', { bits: 4, zeros: 'floats' }),
  blocked('4 bits, a last block that is not full', { bits: 4, depth: 40 }),
  blocked('4 bits, activations in 8 bits', { bits: 4, accuracy: 4, near: 0.02 }),
  blocked('8 bits', { bits: 8, zeros: 'packed' }),
  blocked('2 bits', { bits: 2, depth: 64 }),
  integers('MatMulInteger', 'int8'),
  integers('MatMulInteger', 'uint8'),
  integers('ConvInteger', 'uint8'),
  {
    name: 'QuantizeLinear and DequantizeLinear of an activation, and a weight of each row',
    build: (b, [x]) => {
      const grid = () => [
        b.constant(scalar(0.05)),
        b.constant({ dtype: 'uint8', dims: [], data: Uint8Array.of(128) }),
      ];
      const q = b.op('DequantizeLinear', [b.op('QuantizeLinear', [x!, ...grid()]), ...grid()]);
      const scales = b.constant(float32([4], [0.01, 0.02, 0.03, 0.04]));
      return b.op('MatMul', [q, b.op('DequantizeLinear', [b.constant(weight), scales], { axis: 1 })]);
    },
    twin: (b, [x]) =>
      b.op('MatMul', [
        x!,
        b.constant(
          matrix(
            [5, 4],
            (row, column) => Number(weight.data[row * 4 + column]) * [0.01, 0.02, 0.03, 0.04][column]!,
          ),
        ),
      ]),
    inputs: [spread([2, 3, 5])],
    near: 0.05,
  },
  {
    name: 'QuantizeLinear and DequantizeLinear of com.microsoft',
    build: (b, [x]) => {
      const zero = b.constant({ dtype: 'int8', dims: [], data: Int8Array.of(0) });
      const grid = [b.constant(scalar(0.02)), zero];
      const q = b.op('QuantizeLinear', [x!, ...grid], {}, MICROSOFT);
      return b.op('Neg', [b.op('DequantizeLinear', [q, ...grid], {}, MICROSOFT)]);
    },
    twin: (b, [x]) => b.op('Neg', [x!]),
    inputs: [spread([2, 3])],
    near: 0.02,
  },
  {
    name: 'DynamicQuantizeMatMul',
    build: (b, [x, c]) =>
      b.op(
        'DynamicQuantizeMatMul',
        [x!, b.constant(weight), b.constant(scalar(0.02)), null, c!],
        {},
        MICROSOFT,
      ),
    twin: (b, [x, c]) => b.op('Add', [b.op('MatMul', [x!, b.constant(floats(weight, 0, 0.02))]), c!]),
    inputs: [spread([2, 3, 5]), spread([4], { seed: 2 })],
    near: 0.02,
  },
  {
    name: 'MatMulIntegerToFloat',
    build: (b, [x]) => {
      const [q, scale, zero] = dynamic(b, x!);
      const inputs = [q, b.constant(weight), scale, b.constant(scalar(0.02)), zero];
      return b.op('MatMulIntegerToFloat', inputs, {}, MICROSOFT);
    },
    twin: (b, [x]) => b.op('MatMul', [x!, b.constant(floats(weight, 0, 0.02))]),
    inputs: [spread([2, 3, 5])],
    near: 0.02,
  },
];

async function run(test: Case, build: Build): Promise<Record<string, Tensor>> {
  const b = new GraphBuilder(test.name, { opset: 17 });
  const values = test.inputs.map((tensor, i) => b.input(`x${i}`, tensor.dtype, tensor.dims));
  b.output('y', build(b, values));
  const graph = b.build();
  const probe = await compile({ graph, feeds: feedsOf(test), outputs: ['y'] });
  const { y } = await probe.run(feedsOf(test));
  const feeds = { ...feedsOf(test), cotangent: randomTensor([...y!.dims], 7) };
  const program = await compile({
    graph,
    feeds,
    loss: (l) => l.dotCotangent(l.value('y'), l.input('cotangent')),
    wrt: test.inputs.map((_, i) => `x${i}`),
  });
  const result = await program.run(feeds);
  await Promise.all([probe.release(), program.release()]);
  return { ...result, y: y! };
}

const feedsOf = (test: Case) => Object.fromEntries(test.inputs.map((t, i) => [`x${i}`, t]));

const lowerings = Object.keys(quantised).map(
  (name) => [name, vi.spyOn(FUSED as Record<string, () => never>, name)] as const,
);

describe('quantised operations', () => {
  afterAll(() => void vi.restoreAllMocks());

  it.each(cases.map((test) => [test.name, test] as const))('%s', async (_name, test) => {
    expect(await forwardError(test)).toBe(0);
    const [quantised, float] = [await run(test, test.build), await run(test, test.twin)];
    expect(relativeError(quantised.y!, float.y!)).toBeLessThan(test.near);
    for (const i of test.inputs.keys()) {
      expect(relativeError(quantised[`grad.x${i}`]!, float[`grad.x${i}`]!)).toBeLessThan(1e-5);
    }
  });

  it('are all among these cases', () => {
    expect(lowerings.filter(([, spy]) => spy.mock.calls.length === 0).map(([name]) => name)).toEqual([]);
  });
});
