import { describe, expect, it } from 'vitest';
import { compile, float32, type Graph, GraphBuilder, type Tensor, type Value } from '../../engine/index.ts';
import { Random } from '../../random/index.ts';

const [batch, heads, keyHeads, length, width] = [2, 2, 1, 1536, 4] as const;

/** Causal attention with padded keys and grouped heads; `watched`: the weights of attention are an output too. */
function attention(watched: boolean): Graph {
  const b = new GraphBuilder('attention');
  const input = (name: string, count: number) => b.input(name, 'float32', [batch, count, length, width]);
  const query = input('query', heads);
  const spread = (x: Value) => {
    const wide = b.op('Expand', [
      b.op('Unsqueeze', [x, b.constant([2])]),
      b.constant([batch, keyHeads, heads / keyHeads, length, width]),
    ]);
    return b.op('Reshape', [wide, b.constant([batch, heads, length, width])]);
  };
  const [key, value] = [spread(input('key', keyHeads)), spread(input('value', keyHeads))];
  const present = b.input('present', 'bool', [batch, 1, 1, length]);
  const causal = new Float32Array(length * length);
  for (let i = 0; i < length; i++) causal.fill(-1e4, i * length + i + 1, (i + 1) * length);
  const future = b.constant({ dtype: 'float32', dims: [length, length], data: causal });
  const product = b.op('MatMul', [query, b.op('Transpose', [key], { perm: [0, 1, 3, 2] })]);
  const scaled = b.op('Mul', [product, b.constant(0.5)]);
  const padding = b.op('Where', [present, b.constant(0), b.constant(-1e4)]);
  const scores = b.op('Add', [b.op('Add', [scaled, future]), padding]);
  const weights = b.op('Softmax', [scores], { axis: -1 });
  b.output('mixed', b.op('MatMul', [weights, value]));
  if (watched) b.output('weights', weights);
  return b.build();
}

function feeds(): Record<string, Tensor> {
  const random = new Random(3, 'attention');
  const draw = (count: number) => {
    const dims = [batch, count, length, width];
    return float32(
      dims,
      Array.from({ length: batch * count * length * width }, () => random.normal()),
    );
  };
  const present = Uint8Array.from({ length: batch * length }, (_, i) =>
    i % length < 40 && i < length ? 0 : 1,
  );
  return {
    query: draw(heads),
    key: draw(keyHeads),
    value: draw(keyHeads),
    present: { dtype: 'bool', dims: [batch, 1, 1, length], data: present },
    cotangent: draw(heads),
  };
}

async function gradients(watched: boolean) {
  const given = feeds();
  const program = await compile({
    graph: attention(watched),
    feeds: given,
    loss: (b) => b.dotCotangent(b.output('result', b.value('mixed')), b.input('cotangent')),
    wrt: ['query', 'key', 'value'],
    outputs: watched ? ['weights'] : [],
    threads: 2,
  });
  const results = await program.run(given);
  const again = await program.run(given);
  await program.release();
  const softmaxes = program.graph.nodes.filter(({ opType }) => opType === 'Softmax').length;
  return { results, again, softmaxes };
}

describe('attention over long sequences', () => {
  it('is computed in blocks, to the same result and gradients as in one piece', async () => {
    const whole = await gradients(true);
    const blocks = await gradients(false);
    expect(whole.softmaxes).toBe(1);
    // 38 MB of scores in blocks of at most 8, forward and again backward.
    expect(blocks.softmaxes).toBeGreaterThanOrEqual(10);
    for (const name of ['result', 'grad.query', 'grad.key', 'grad.value']) {
      const [a, b] = [whole.results[name]!, blocks.results[name]!];
      expect(b.dims).toEqual(a.dims);
      const largest = Math.max(...(a.data as Float32Array).map(Math.abs));
      const apart = (a.data as Float32Array).map((x, i) => Math.abs(x - Number(b.data[i])));
      expect(largest).toBeGreaterThan(0.1);
      expect(Math.max(...apart), name).toBeLessThan(2e-5 * largest);
      expect(blocks.again[name]!.data).toEqual(b.data);
    }
  });
});
