import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Graph, Tensor } from '../../engine/index.ts';
import { decoderFeeds } from '../../models/index.ts';
import { lastPositionOnly } from '../../models/last-position.ts';
import { openRunner, type Runner } from '../../models/session.ts';
import { Random } from '../../random/index.ts';
import { graphs, sizes } from './mini-model.ts';

const text = {
  vocab_size: sizes.vocabulary,
  hidden_size: 96,
  num_hidden_layers: 4,
  num_attention_heads: 3,
  num_key_value_heads: 3,
  head_dim: 32,
  pad_token_id: 0,
  max_position_embeddings: 1024,
};
const V = sizes.vocabulary;
const floats = (...dims: number[]) => {
  const random = new Random(11, 'embeds', dims.join());
  return Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => 0.3 * random.normal());
};
const ints = (values: number[][]): Tensor => ({
  dtype: 'int64',
  dims: [values.length, values[0]!.length],
  data: BigInt64Array.from(values.flat(), BigInt),
});
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Feeds of rows that each begin after some padding. */
function feedsOf(embeds: Float32Array, length: number, starts: number[]) {
  const mask = starts.map((start) => range(0, length).map((i) => (i < start ? 0 : 1)));
  const positions = starts.map((start) => range(0, length).map((i) => Math.max(0, i - start)));
  const batch = {
    rows: starts.length,
    length,
    attentionMask: ints(mask).data as BigInt64Array,
    positionIds: ints(positions).data as BigInt64Array,
  };
  return decoderFeeds(embeds, batch, text);
}

const difference = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((top, value, i) => Math.max(top, Math.abs(value - b[i]!)), 0);
};

describe('the decoder', () => {
  let graph: Graph;
  let full: Runner;
  let last: Runner;
  const logitsOf = async (feeds: Record<string, Tensor>) =>
    (await full.run(feeds)).logits!.data as Float32Array;

  beforeAll(async () => {
    graph = graphs().decoder;
    full = await openRunner(graph, 1);
    last = await openRunner(lastPositionOnly(graph), 1);
  });
  afterAll(async () => {
    await full.close();
    await last.close();
  });

  it('gives with a cache, token by token, what it gives at once', async () => {
    const length = 9;
    const embeds = floats(2, length, 96);
    const starts = [0, 3];
    const whole = await logitsOf(feedsOf(embeds, length, starts));
    let past: Record<string, Tensor> = {};
    for (const [from, to] of [
      [0, 4],
      [4, 5],
      [5, 9],
    ] as const) {
      const part = new Float32Array(2 * (to - from) * 96);
      for (const row of [0, 1]) {
        part.set(
          embeds.subarray((row * length + from) * 96, (row * length + to) * 96),
          row * (to - from) * 96,
        );
      }
      const results = await full.run({
        ...decoderFeeds(
          part,
          {
            rows: 2,
            length: to - from,
            attentionMask: new BigInt64Array(0),
            positionIds: new BigInt64Array(0),
          },
          text,
        ),
        ...past,
        attention_mask: ints(starts.map((start) => range(0, to).map((i) => (i < start ? 0 : 1)))),
        position_ids: ints(starts.map((start) => range(from, to).map((i) => Math.max(0, i - start)))),
      });
      past = Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [
          name.replace('present.', 'past_key_values.'),
          tensor,
        ]),
      );
      for (const row of [0, 1]) {
        const expected = whole.subarray((row * length + to - 1) * V, (row * length + to) * V);
        const at = (row + 1) * (to - from) - 1;
        const found = (results.logits!.data as Float32Array).subarray(at * V, (at + 1) * V);
        expect(difference(found, expected)).toBeLessThan(1e-5);
      }
    }
  });

  it('does not see padding, nor does it give NaN there', async () => {
    const embeds = floats(1, 7, 96);
    const alone = await logitsOf(feedsOf(embeds, 7, [0]));
    const padded = floats(2, 16, 96);
    padded.set(embeds, (16 + 9) * 96);
    const batch = await logitsOf(feedsOf(padded, 16, [2, 9]));
    expect(batch.every(Number.isFinite)).toBe(true);
    expect(difference(batch.subarray((16 + 9) * V), alone)).toBeLessThan(1e-5);
  });

  it('answers the same without an image and with a masked one', async () => {
    const words = floats(1, 6, 96);
    const without = await logitsOf(feedsOf(words, 6, [0]));
    const embeds = floats(1, 22, 96);
    embeds.set(words, 16 * 96);
    const masked = await logitsOf(feedsOf(embeds, 22, [16]));
    expect(difference(masked.subarray(16 * V), without)).toBeLessThan(1e-5);
  });

  it('does not look ahead', async () => {
    const embeds = floats(1, 8, 96);
    const before = await logitsOf(feedsOf(embeds, 8, [0]));
    embeds.fill(1, 5 * 96);
    const after = await logitsOf(feedsOf(embeds, 8, [0]));
    expect(difference(after.subarray(0, 5 * V), before.subarray(0, 5 * V))).toBe(0);
    expect(difference(after.subarray(7 * V), before.subarray(7 * V))).toBeGreaterThan(1e-3);
  });

  it('gives the last position alone as in the whole', async () => {
    const feeds = feedsOf(floats(3, 16, 96), 16, [0, 5, 15]);
    const whole = await logitsOf(feeds);
    const { last_logits } = await last.run(feeds);
    expect(last_logits!.dims).toEqual([3, 1, V]);
    const expected = [0, 1, 2].flatMap((row) => [...whole.subarray((row * 16 + 15) * V, (row + 1) * 16 * V)]);
    expect(difference(last_logits!.data as Float32Array, expected)).toBeLessThan(1e-5);
    expect(last.inputs).toEqual(['inputs_embeds', 'attention_mask', 'position_ids']);
  });

  it('computes the last block of the last position alone', () => {
    const pruned = lastPositionOnly(graph);
    const cut = (weight: string) =>
      pruned.nodes.find((node) => node.inputs.includes(weight))!.inputs[0]!.includes(' last ');
    for (const part of ['self_attn.q_proj', 'self_attn.o_proj', 'mlp.up_proj', 'mlp.down_proj']) {
      expect(cut(`model.layers.3.${part}.weight`), part).toBe(true);
      expect(cut(`model.layers.2.${part}.weight`), part).toBe(false);
    }
    expect(cut('model.layers.3.self_attn.k_proj.weight')).toBe(false);
    expect(cut('lm_head.weight')).toBe(true);
  });

  it('cuts behind an operator that it does not know', async () => {
    const other = graph.clone();
    const norm = other.nodes.find((node) => node.inputs.includes('model.norm.weight'))!;
    const [name] = norm.outputs as [string];
    norm.outputs = [`${name} inner`];
    other.nodes.splice(other.nodes.indexOf(norm) + 1, 0, {
      name: 'clip',
      opType: 'Clip',
      domain: '',
      inputs: [`${name} inner`],
      outputs: [name],
      attributes: {},
    });
    const runner = await openRunner(lastPositionOnly(other), 1);
    const feeds = feedsOf(floats(1, 5, 96), 5, [0]);
    const { last_logits } = await runner.run(feeds);
    await runner.close();
    expect(
      difference(last_logits!.data as Float32Array, (await logitsOf(feeds)).subarray(4 * V)),
    ).toBeLessThan(1e-5);
  });
});
