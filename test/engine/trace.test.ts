import { describe, expect, it } from 'vitest';
import { compile, float32, GraphBuilder, int64 } from '../../engine/index.ts';

describe('tracing', () => {
  it('follows shapes that depend on data, by a run', async () => {
    const b = new GraphBuilder('data-dependent');
    const x = b.input('x', 'float32', [2, 3]);
    const flat = b.op('Reshape', [x, b.constant([6])]);
    // How many rows come out depends on what stands in x.
    const places = b.op('NonZero', [b.op('Greater', [flat, b.constant(0)])]);
    const found = b.op('GatherND', [flat, b.op('Transpose', [places], { perm: [1, 0] })]);
    const count = b.op('Shape', [found]);
    b.output('squared', b.op('Mul', [found, found]));
    b.output('count', b.op('Mul', [count, b.constant(int64([], [10]))]));
    const feeds = { x: float32([2, 3], [1, -1, 2, 0, 3, -5]) };
    const program = await compile({ graph: b.build(), feeds, outputs: ['squared', 'count'] });
    const { squared, count: tens } = await program.run(feeds);
    await program.release();
    expect(Array.from(squared!.data as Float32Array)).toEqual([1, 4, 9]);
    expect(tens!.data).toEqual(BigInt64Array.from([30n]));
  });

  it('tells a scalar from a value of unknown shape, and computes shapes from shapes', async () => {
    const b = new GraphBuilder('scalar');
    const x = b.input('x', 'float32', ['rows', 4]);
    const total = b.op('ReduceSum', [x, b.constant([0, 1])], { keepdims: 0 });
    const rows = b.op('Gather', [b.op('Shape', [x]), b.constant(int64([], [0]))], { axis: 0 });
    const shape = b.op('Concat', [b.constant([2, -1]), b.op('Unsqueeze', [rows, b.constant([0])])], {
      axis: 0,
    });
    b.output('y', b.op('Div', [b.op('Reshape', [x, shape]), total]));
    const feeds = {
      x: float32(
        [6, 4],
        Array.from({ length: 24 }, (_, i) => i),
      ),
    };
    const program = await compile({ graph: b.build(), feeds, outputs: ['y'] });
    const { y } = await program.run(feeds);
    await program.release();
    expect(y!.dims).toEqual([2, 2, 6]);
    expect(y!.data[23]).toBeCloseTo(23 / 276, 6);
    // All arithmetic on shapes is done beforehand.
    expect(program.graph.nodes.map((node) => node.opType).sort()).toEqual(['Div', 'ReduceSum', 'Reshape']);
  });
});
