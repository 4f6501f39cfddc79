import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataFolder } from '../../data/folder.ts';
import { type AnswerModel, openAnswerModel } from '../../models/index.ts';
import { alike, fixture } from './hf-samples.ts';
import { accuracyOf, certainty, shippedSamples } from './shipped.ts';

const options = { attack: 'universal_pixels', alpha: 1, steps: 1, seed: 7 } as const;

describe('one pattern for the pictures of the shipped model', () => {
  let model: AnswerModel;
  beforeAll(async () => {
    model = await openAnswerModel(join(dataFolder(), 'model'), { threads: 1 });
  });
  afterAll(() => model.close());

  it('fools samples that it was not found on, more than a random one of the same size, and is the same each time', async () => {
    const samples = await shippedSamples('text_heavy', 60);
    // Any picture costs the shipped model accuracy here: a smaller pattern does no more than noise.
    const strong = { ...options, eps: 128 / 255 };
    const found = await model.attack(samples, strong);
    const { control, pattern, predictions } = found;
    const sources = new Set(samples.map(({ source }) => source));
    const measured = samples.filter(({ id }) => predictions.some((prediction) => prediction.id === id));
    expect(predictions.length).toBeGreaterThan(20);
    expect(new Set(measured.map(({ source }) => source)).size).toBe(Math.ceil(sources.size / 2));
    expect(control!.map(({ id }) => id)).toEqual(predictions.map(({ id }) => id));
    expect(accuracyOf(predictions)).toBeLessThan(accuracyOf(control!) - 0.1);
    expect(pattern).toMatchObject({ width: 56, height: 56, channels: 1 });
    const bytes = [...(pattern!.data as Uint8Array)];
    expect(Math.min(...bytes)).toBe(1);
    expect(Math.max(...bytes)).toBe(255);
    expect(await model.attack(samples, strong)).toEqual(found);
  });

  it('of no size changes nothing', async () => {
    const samples = await shippedSamples('text_heavy', 8);
    const clean = await model.predict(samples);
    const { pattern, predictions } = await model.attack(samples, { ...options, eps: 0 });
    for (const { id, probabilities } of predictions) {
      const before = clean.find((prediction) => prediction.id === id)!;
      for (const [i, p] of probabilities.entries()) expect(p).toBeCloseTo(before.probabilities[i]!, 5);
    }
    expect(new Set(pattern!.data as Uint8Array)).toEqual(new Set([128]));
  });
});

describe('one pattern for pictures of', () => {
  it.each([
    ['llava', 56],
    ['llava_next', 16],
    ['smolvlm', 32],
    ['qwen2_vl', 224],
    ['qwen2_5_vl', 224],
    ['instructblip', 32],
  ])('%s makes the right answers of others less likely than a random one', async (name, side) => {
    const model = await openAnswerModel(fixture(name), { threads: 1 });
    const samples = alike('text_heavy', 8);
    const { control, pattern, predictions } = await model.attack(samples, {
      ...options,
      eps: 0.3,
      universalSteps: 6,
    });
    await model.close();
    expect(predictions).toHaveLength(samples.length / 2);
    expect(certainty(predictions)).toBeLessThan(certainty(control!));
    expect(pattern).toMatchObject({ channels: 3, width: side, height: side });
    expect((pattern!.data as Uint8Array).length).toBe(pattern!.width * pattern!.height * 3);
  });
});
