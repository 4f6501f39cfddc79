import { describe, expect, it } from 'vitest';
import { compile, encodeGraph, type Graph, type Tensor } from '../../engine/index.ts';
import {
  buildDecoder,
  buildEmbedTokens,
  buildProjector,
  buildTower,
  buildTowerWithHeads,
  buildVisionEncoder,
  initMini,
  type MiniWeights,
  miniSizes,
  stitchVisionEncoder,
  weightSpecs,
} from '../../models/index.ts';
import { openRunner } from '../../models/session.ts';
import reference from './mini-reference.json' with { type: 'json' };

const small = miniSizes(40);
const run = async (graph: Graph, feeds: Record<string, Tensor>) => {
  const runner = await openRunner(graph, 1);
  const results = await runner.run(feeds);
  await runner.close();
  return results;
};
const close = (found: ArrayLike<number>, expected: number[]) => {
  expect(found.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(Math.abs(found[i]! - value)).toBeLessThan(1e-5);
};
/** Weights that do not depend on how weights are drawn. */
function waves(): MiniWeights {
  return new Map(
    weightSpecs(small).map(({ name, dims }, nth) => {
      const base = name.endsWith('norm.weight') ? 1 : 0;
      const wave = (i: number) => base + 0.15 * Math.sin((i + 1) * 1.7 + nth * nth + ((i * i) % 11));
      const data = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => wave(i));
      return [name, { dtype: 'float32', dims, data }];
    }),
  );
}
const pixels: Tensor = {
  dtype: 'float32',
  dims: [2, 1, 56, 56],
  data: Float32Array.from({ length: 2 * 56 * 56 }, (_, i) => Math.sin(i * 0.37)),
};

describe('the mini model', () => {
  it('has 1,328,244 parameters with 2,487 words', () => {
    const count = weightSpecs(miniSizes(2487)).reduce(
      (sum, { dims }) => sum + dims.reduce((a, b) => a * b),
      0,
    );
    expect(count).toBe(1_328_244);
  });

  it('starts from the same weights for the same seed alone', () => {
    const bytes = (seed: number) => Buffer.from(encodeGraph(buildDecoder(initMini(seed, small), small)));
    expect(bytes(3).equals(bytes(3))).toBe(true);
    expect(bytes(3).equals(bytes(4))).toBe(false);
  });

  // The reference: the same architecture in PyTorch 2.13 with `waves` as weights, on the inputs below.
  it('sees what PyTorch sees', async () => {
    const weights = waves();
    const { image_features } = await run(buildVisionEncoder(weights, small), { pixel_values: pixels });
    const some: number[] = [];
    for (let i = 0; i < 2; i++) {
      for (let token = 0; token < 16; token += 5) {
        for (let c = 0; c < 96; c += 24) some.push(Number(image_features!.data[(i * 16 + token) * 96 + c]));
      }
    }
    close(some, reference.features);
    const heads = await run(buildTowerWithHeads(weights, small), { pixel_values: pixels });
    close(heads.photo_logits!.data as Float32Array, reference.photo);
    close(heads.grid_logits!.data as Float32Array, reference.grid);
  });

  it('decodes what PyTorch decodes, padding and a masked image included', async () => {
    const weights = waves();
    const { image_features } = await run(buildVisionEncoder(weights, small), { pixel_values: pixels });
    const ids = Array.from({ length: 24 }, (_, i) => (i < 5 ? 0 : (i * 7) % 40));
    const { inputs_embeds } = await run(buildEmbedTokens(weights, small), {
      input_ids: { dtype: 'int64', dims: [2, 12], data: BigInt64Array.from(ids, BigInt) },
    });
    const length = 28;
    const embeds = new Float32Array(2 * length * 96);
    const mask: number[] = [];
    const positions: number[] = [];
    for (let row = 0; row < 2; row++) {
      embeds.set(
        image_features!.data.subarray(row * 16 * 96, (row + 1) * 16 * 96) as Float32Array,
        row * length * 96,
      );
      embeds.set(
        inputs_embeds!.data.subarray(row * 12 * 96, (row + 1) * 12 * 96) as Float32Array,
        (row * length + 16) * 96,
      );
      let used = 0;
      for (let i = 0; i < length; i++) {
        const on = i < 16 ? row === 0 : row === 1 || i >= 21;
        mask.push(on ? 1 : 0);
        if (on) used++;
        positions.push(Math.max(0, used - 1));
      }
    }
    const feeds: Record<string, Tensor> = {
      inputs_embeds: { dtype: 'float32', dims: [2, length, 96], data: embeds },
      attention_mask: { dtype: 'int64', dims: [2, length], data: BigInt64Array.from(mask, BigInt) },
      position_ids: { dtype: 'int64', dims: [2, length], data: BigInt64Array.from(positions, BigInt) },
    };
    for (let i = 0; i < 4; i++) {
      for (const part of ['key', 'value']) {
        const empty: Tensor = { dtype: 'float32', dims: [2, 3, 0, 32], data: new Float32Array(0) };
        feeds[`past_key_values.${i}.${part}`] = empty;
      }
    }
    const { logits } = await run(buildDecoder(weights, small), feeds);
    const all = logits!.data as Float32Array;
    expect(all.every(Number.isFinite)).toBe(true);
    const last = [0, 1].flatMap((row) => [...all.slice((row * length + 27) * 40, (row * length + 28) * 40)]);
    close(last, reference.logits);
  });

  it('puts a tower and a projector together to one vision encoder', async () => {
    const tower = buildTowerWithHeads(initMini(1, small), small);
    const projector = buildProjector(initMini(2, small), small);
    const { features } = await run(buildTower(initMini(1, small), small), { pixel_values: pixels });
    const { image_features: expected } = await run(projector, { features: features! });
    const { image_features: found } = await run(stitchVisionEncoder(tower, projector, small), {
      pixel_values: pixels,
    });
    expect(found!.data).toEqual(expected!.data);
  });

  it('can be differentiated by every one of its weights', async () => {
    const weights = initMini(1, small);
    const tower = buildTowerWithHeads(weights, small);
    const wrt = [...tower.initializers.keys()].filter((name) => weights.has(name));
    const program = await compile({
      graph: tower,
      feeds: { pixel_values: pixels, answers: { dtype: 'int64', dims: [2], data: BigInt64Array.of(1n, 2n) } },
      loss: (b) =>
        b.add(
          b.crossEntropy(b.value('photo_logits'), b.input('answers')),
          b.crossEntropy(b.at(b.value('grid_logits'), 2), b.input('answers')),
        ),
      wrt,
      threads: 1,
    });
    const feeds = {
      pixel_values: pixels,
      answers: { dtype: 'int64', dims: [2], data: BigInt64Array.of(1n, 2n) },
    } as const;
    const results = await program.run({ ...feeds, answers: { ...feeds.answers, dims: [2] } }, weights);
    await program.release();
    for (const name of wrt) {
      const gradient = results[`grad.${name}`]!.data as Float32Array;
      expect(gradient.every(Number.isFinite), name).toBe(true);
      // A key's bias adds the same to all scores of a query: its gradient is zero.
      if (!name.endsWith('k_proj.bias'))
        expect(
          gradient.some((g) => g !== 0),
          name,
        ).toBe(true);
    }
  });
});
