import { describe, expect, it } from 'vitest';
import {
  compile,
  decodeGraph,
  encodeGraph,
  float32,
  type Graph,
  GraphBuilder,
  namedPlaces,
  type Tensor,
  toNumbers,
  withProbes,
} from '../../engine/index.ts';

const feeds = {
  x: float32([2, 3], [1, 2, 3, -4, 5, 6]),
  ones: float32([2, 3], [1, 1, 1, 1, 1, 1]),
};

/** y [2, 3], and the gradient of its sum by every stored tensor that the graph computes with, by the tensor's name. */
async function computed(graph: Graph): Promise<Record<string, number[]>> {
  const targets = namedPlaces(graph).map(({ place, linear }) => ({ place, ...(linear ? { linear } : {}) }));
  const { graph: probed, probes } = withProbes(graph, targets);
  const program = await compile({
    graph: probed,
    feeds,
    loss: (b) => b.dotCotangent(b.value('y'), b.input('ones')),
    outputs: ['y'],
    wrt: probes.map(({ name }) => name),
  });
  try {
    const values = await program.run(feeds, probed.initializers);
    const found = targets.map(({ place }, i) => [place.initializer, values[`grad.${probes[i]!.name}`]]);
    const named: Record<string, Tensor> = Object.fromEntries([...found, ['y', values.y]]);
    return Object.fromEntries(Object.entries(named).map(([name, tensor]) => [name, toNumbers(tensor)]));
  } finally {
    await program.release();
  }
}

describe('places where a graph computes with stored tensors', () => {
  it('leaves out readers of a shape or a type, of which unoptimised exports are full', async () => {
    const b = new GraphBuilder('shapes');
    const weight = b.initializer('weight', float32([3, 3], [1, 0, 0, 0, 2, 0, 0, 0, 3]));
    const like = b.op('CastLike', [b.input('x', 'float32', [2, 3]), weight]);
    const shape = b.op('Where', [
      b.constant({ dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) }),
      b.constant([2, 3]),
      b.op('Shape', [weight]),
    ]);
    b.output('y', b.op('Expand', [b.op('MatMul', [like, weight]), shape]), 'float32', [2, 3]);
    const read = namedPlaces(b.build()).filter(({ place }) => place.initializer === 'weight');
    expect(read.map(({ linear }) => linear !== undefined)).toEqual([true]);
  });

  it.each(['uint16', 'int8'] as const)('differentiates by a scale stored as %s', async (dtype) => {
    const b = new GraphBuilder('quantised scale', { opset: 21 });
    const stored = {
      dtype,
      dims: [3],
      data: dtype === 'int8' ? Int8Array.of(1, 2, 3) : Uint16Array.of(1, 2, 3),
    };
    const scale = b.op('DequantizeLinear', [b.initializer('scale', stored), b.constant(0.5)]);
    b.output('y', b.op('Mul', [b.input('x', 'float32', [2, 3]), scale]), 'float32', [2, 3]);
    const { y, scale: gradient } = await computed(b.build());
    expect(y).toEqual([0.5, 2, 4.5, -2, 5, 9]);
    expect(gradient).toEqual([-3, 7, 9]);
  });

  it('finds the weight behind a quantiser that the graph itself holds', async () => {
    const b = new GraphBuilder('quantiser');
    const weight = b.initializer('weight', float32([3, 3], [1, 0, 0, 0, 2, 0, 0, 0, 3]));
    const steps = b.op('QuantizeLinear', [weight, b.constant(0.5)]);
    const product = b.op('MatMul', [
      b.input('x', 'float32', [2, 3]),
      b.op('DequantizeLinear', [steps, b.constant(0.5)]),
    ]);
    b.output('y', product, 'float32', [2, 3]);
    const { y, weight: gradient } = await computed(b.build());
    expect(y).toEqual([1, 4, 9, -4, 10, 18]);
    expect(gradient).toEqual([-3, -3, -3, 7, 7, 7, 9, 9, 9]);
  });

  // The rows [-8, 7, 3], [1, -2, 0], [5, -1, 4] (int4) in blocks of one row; as uint4 with 8 for zero.
  it.each([
    { dtype: 'int4', bytes: [0x78, 0x13, 0x0e, 0xf5, 0x04] },
    { dtype: 'uint4', bytes: [0xf0, 0x9b, 0x86, 0x7d, 0x0c] },
  ] as const)('reads weights of two elements a byte: $dtype', async ({ dtype, bytes }) => {
    const b = new GraphBuilder('nibbles', { opset: 21 });
    const packed = b.initializer('weight', { dtype, dims: [3, 3], data: Uint8Array.from(bytes) });
    const scales = b.constant(float32([3, 3], [1, 1, 1, 0.5, 0.5, 0.5, 2, 2, 2]));
    const zeros = { dtype, dims: [3, 3], data: Uint8Array.of(0x88, 0x88, 0x88, 0x88, 0x08) };
    const inputs = dtype === 'int4' ? [packed, scales] : [packed, scales, b.constant(zeros)];
    const floats = b.op('DequantizeLinear', inputs, { axis: 0, block_size: 1 });
    b.output('y', b.op('MatMul', [b.input('x', 'float32', [2, 3]), floats]), 'float32', [2, 3]);
    const { y, weight: gradient } = await computed(decodeGraph(encodeGraph(b.build()), 'nibbles'));
    expect(y).toEqual([23, -1, 27, 94.5, -45, 36]);
    expect(gradient).toEqual([-3, -3, -3, 7, 7, 7, 9, 9, 9]);
  });
});
