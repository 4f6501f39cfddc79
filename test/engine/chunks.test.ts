import { describe, expect, it } from 'vitest';
import { compile, float32, type Graph, GraphBuilder, Parameters, type Tensor } from '../../engine/index.ts';
import { Random } from '../../random/index.ts';

const [batch, length, width, mlp] = [8, 300, 6, 500] as const;
const random = new Random(5, 'chunks');
const draw = (...dims: number[]): Tensor =>
  float32(
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b) }, () => 0.5 * random.normal()),
  );
const weights = new Map([
  ['gate', draw(width, mlp)],
  ['up', draw(width, mlp)],
  ['bias', draw(mlp)],
  ['down', draw(mlp, width)],
]);

/** A gated feed-forward part; `watched`: a value in its middle is an output too, so that it is computed as a whole. */
function feedForward(watched: boolean): Graph {
  const b = new GraphBuilder('feed forward');
  const x = b.input('x', 'float32', [batch, length, width]);
  const [gate, up, bias, down] = [...weights].map(([name, tensor]) => b.initializer(name, tensor));
  const wide = b.op('Add', [b.op('MatMul', [x, gate!]), bias!]);
  const gated = b.op('Mul', [b.op('Mul', [wide, b.op('Sigmoid', [wide])]), b.op('MatMul', [x, up!])]);
  b.output('y', b.op('MatMul', [gated, down!]));
  if (watched) b.output('gated', gated);
  return b.build();
}

async function gradients(watched: boolean, feeds: Record<string, Tensor>) {
  const program = await compile({
    graph: feedForward(watched),
    feeds,
    loss: (b) => b.dotCotangent(b.output('result', b.value('y')), b.input('cotangent')),
    wrt: ['x', ...weights.keys()],
    outputs: watched ? ['gated'] : [],
    threads: 2,
  });
  const parameters = new Parameters(weights);
  const results = await program.run(feeds, parameters);
  const again = await program.run(feeds, parameters);
  await program.release();
  const splits = program.graph.nodes.filter(({ opType }) => opType === 'Split').length;
  return { results, again, splits };
}

describe('wide values between two products', () => {
  it('are computed in parts, to the same result and gradients as as a whole', async () => {
    const feeds = { x: draw(batch, length, width), cotangent: draw(batch, length, width) };
    const whole = await gradients(true, feeds);
    const parts = await gradients(false, feeds);
    expect([whole.splits, parts.splits]).toEqual([0, 1]);
    for (const name of ['result', 'grad.x', ...[...weights.keys()].map((key) => `grad.${key}`)]) {
      const [a, b] = [whole.results[name]!, parts.results[name]!];
      expect(b.dims).toEqual(a.dims);
      const largest = Math.max(...(a.data as Float32Array).map(Math.abs));
      const apart = (a.data as Float32Array).map((value, i) => Math.abs(value - Number(b.data[i])));
      expect(largest).toBeGreaterThan(0.1);
      expect(Math.max(...apart), name).toBeLessThan(2e-5 * largest);
      expect(parts.again[name]!.data).toEqual(b.data);
    }
  });
});
