import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  inputDrift,
  isDrift,
  liveChangeRate,
  type RequestFeatures,
  requestFeatures,
} from '../../diagnosis/index.ts';
import { Random } from '../../random/index.ts';
import type { Prediction } from '../../schemas/benchmark.ts';

describe('features of a request', () => {
  const request = {
    taskKind: 'text_heavy' as const,
    question: 'which ?',
    context: 'a fact .',
    image: null,
  };

  it('measures the brightness of whatever the model can see', async () => {
    const grey = { create: { width: 4, height: 4, channels: 3 as const, background: '#808080' } };
    for (const format of ['png', 'jpeg', 'webp'] as const) {
      const bytes = await sharp(grey).toFormat(format).toBuffer();
      const { brightness } = await requestFeatures({ ...request, image: { bytes, path: null } }, 0);
      expect(brightness).toBeCloseTo(128 / 255, 2);
    }
    const text = { bytes: new Uint8Array([1, 2]), path: 'a.txt' };
    await expect(requestFeatures({ ...request, image: text }, 0)).rejects.toThrow(
      /a\.txt: cannot be decoded; store request images as PNG, JPEG, WebP, GIF, TIFF or AVIF/,
    );
  });

  it('counts text and knows requests without an image', async () => {
    expect(await requestFeatures(request, 2)).toEqual({
      taskKind: 'text_heavy',
      textLength: 15,
      brightness: null,
      predicted: 2,
    });
  });
});

describe('input drift', () => {
  const random = new Random(3, 'requests');
  const requests = (n: number, change: Partial<RequestFeatures> = {}): RequestFeatures[] =>
    Array.from({ length: n }, () => ({
      taskKind: random.pick(['image_heavy', 'text_heavy', 'vqa']),
      textLength: 40 + random.int(30),
      brightness: random.uniform() < 0.3 ? null : random.uniform() * 0.5,
      predicted: random.int(4),
      ...change,
    }));
  const before = requests(600);

  it('stays quiet on requests like before', () => {
    const drift = inputDrift(before, requests(400));
    expect(Object.values(drift).map((measured) => isDrift(measured))).toEqual([
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it.each([
    ['textLength', { textLength: 400 }],
    ['brightness', { brightness: 0.95 }],
    ['taskKind', { taskKind: 'vqa' }],
    ['predicted', { predicted: 0 }],
    ['hasImage', { brightness: null }],
  ] as const)('notices a change of %s', (feature, change) => {
    const drift = inputDrift(before, requests(400, change));
    expect(isDrift(drift[feature]!)).toBe(true);
  });

  it('leaves brightness out where one side has no image', () => {
    expect(inputDrift(before, requests(50, { brightness: null }))).not.toHaveProperty('brightness');
    expect(() => inputDrift(before, [])).toThrow(/at least one request/);
  });

  it('does not cry wolf on a handful of requests', () => {
    const drift = inputDrift(before, requests(6));
    expect(drift.textLength!.value).toBeGreaterThan(0.25);
    expect(isDrift(drift.textLength!)).toBe(false);
  });
});

describe('change rate on live pairs', () => {
  const prediction = (id: string, perturbation: 'origin' | 'full_black', predicted: number): Prediction => ({
    id,
    taskKind: 'text_heavy',
    perturbation,
    answer: 0,
    predicted,
    probabilities: [0.5, 0.5],
  });

  it('counts changed answers', () => {
    const asked = ['a', 'b', 'c', 'd'].map((id) => prediction(id, 'origin', 0));
    const perturbed = ['a', 'b', 'c', 'd'].map((id) => prediction(id, 'full_black', id === 'a' ? 1 : 0));
    const result = liveChangeRate(asked, perturbed);
    expect(result).toMatchObject({ changeRate: 0.25, n: 4 });
    expect(result.ci95[0]).toBeLessThan(0.25);
    expect(() => liveChangeRate([], perturbed)).toThrow(/no prediction of the unperturbed/);
    expect(() => liveChangeRate(asked, [])).toThrow(/No pairs/);
  });
});
