import { describe, expect, it } from 'vitest';
import { compile, float32, GraphBuilder, int64, Parameters, untie } from '../../engine/index.ts';
import { spread } from './gradient-check.ts';
import { relativeError } from './reference.ts';

/** Two norms that an exporter has merged, one behind an Identity, and two products by one matrix. */
function merged() {
  const b = new GraphBuilder('merged.onnx');
  const x = b.input('x', 'float32', [2, 4]);
  const norm = b.initializer('norm.0', float32([4], [1, 1, 1, 1]));
  const matrix = b.initializer('matrix', spread([4, 4], { seed: 2 }));
  const other = b.op('Identity', [norm], {}, { name: 'norm.1' });
  const first = b.op('MatMul', [b.op('Mul', [x, norm]), matrix], {}, { name: 'first' });
  b.output(
    'y',
    b.op('MatMul', [b.op('Mul', [b.op('Tanh', [first]), other]), matrix], {}, { name: 'second' }),
  );
  return b.build();
}

const feeds = { x: spread([2, 4]), cotangent: spread([2, 4], { seed: 3 }) };

async function gradients(graph: ReturnType<typeof merged>, names: string[]) {
  const program = await compile({
    graph,
    feeds,
    loss: (l) => l.dotCotangent(l.value('y'), l.input('cotangent')),
    wrt: names,
  });
  const result = await program.run(feeds, Parameters.fromGraph(graph, names));
  await program.release();
  return result;
}

describe('untying', () => {
  it('gives each place its own weight, whose gradients add up to that of the shared one', async () => {
    const tied = await gradients(merged(), ['norm.0', 'matrix']);
    const apart = untie(merged());
    expect([...apart.initializers.keys()].sort()).toEqual([
      'matrix',
      'matrix@node/second',
      'norm.0',
      'norm.1',
    ]);
    const names = [...apart.initializers.keys()];
    const own = await gradients(apart, names);
    for (const [weight, places] of [
      ['norm.0', ['norm.0', 'norm.1']],
      ['matrix', ['matrix', 'matrix@node/second']],
    ] as const) {
      const [a, b] = places.map((name) => own[`grad.${name}`]!);
      expect(relativeError(a!, b!)).toBeGreaterThan(0.1);
      const sum = Float32Array.from(a!.data as Float32Array, (value, i) => value + Number(b!.data[i]));
      expect(relativeError({ ...a!, data: sum }, tied[`grad.${weight}`]!)).toBeLessThan(1e-6);
    }
  });

  it('leaves alone what is named, what is an output, and the graph that it was given', () => {
    const graph = merged();
    expect([...untie(graph, ['norm.0', 'matrix']).initializers.keys()]).toEqual(['norm.0', 'matrix']);
    expect(graph.nodes.some((node) => node.opType === 'Identity')).toBe(true);
  });

  it('keeps a head one with its table of embeddings', () => {
    const b = new GraphBuilder('tied.onnx');
    const table = b.initializer('embed', spread([5, 4]));
    const rows = b.op('Gather', [table, b.constant(int64([2], [1, 3]))]);
    b.output('y', b.op('Gemm', [rows, table], { transB: 1 }));
    expect([...untie(b.build()).initializers.keys()].filter((name) => name.startsWith('embed'))).toEqual([
      'embed',
    ]);
  });
});
