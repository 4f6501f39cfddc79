import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnswerGradients } from '../../models/gradient.ts';
import { attackEmbeddings, decoderFeeds, type Model, openModel } from '../../models/index.ts';
import { Random } from '../../random/index.ts';
import { labelOf, type Prediction } from '../../schemas/benchmark.ts';
import { makeModel, makeSamples } from './mini-model.ts';

const common = {
  embeds: Float32Array.from({ length: 24 }, (_, i) => i / 10),
  eps: 0.1,
  alpha: 0.02,
  steps: 3,
};
const mask = Uint8Array.of(0, 1, 1, 0, 1, 0);
const untouched = (attacked: Float32Array) =>
  attacked.every((value, i) => mask[Math.floor(i / 4)] === 1 || value === common.embeds[i]);
const deltas = (attacked: Float32Array) =>
  [...attacked].map((value, i) => value - common.embeds[i]!).filter((_, i) => mask[Math.floor(i / 4)] === 1);

describe('attackEmbeddings', () => {
  it('walks along the raw gradient from a uniform start, within the box', async () => {
    const gradient = async (embeds: Float32Array) => embeds.map((_, i) => (i % 2 === 0 ? 0.5 : -100));
    const random = () => new Random(4, 'test');
    const start = deltas(
      await attackEmbeddings({ ...common, steps: 0, mask, kind: 'pgd', gradient, random: random() }),
    );
    expect(new Set(start).size).toBe(12);
    const attacked = await attackEmbeddings({ ...common, mask, kind: 'pgd', gradient, random: random() });
    expect(untouched(attacked)).toBe(true);
    for (const [i, delta] of deltas(attacked).entries()) {
      expect(Math.abs(start[i]!)).toBeLessThanOrEqual(0.1001);
      const expected = i % 2 === 0 ? Math.min(0.1, start[i]! + 3 * 0.02 * 0.5) : -0.1;
      expect(delta).toBeCloseTo(expected, 5);
    }
  });

  it('takes steps of one size in the sign form', async () => {
    const gradient = async (embeds: Float32Array) => embeds.map((_, i) => (i % 2 === 0 ? 1e-6 : -1e-6));
    const options = { ...common, mask, kind: 'pgd_sign', gradient } as const;
    const start = deltas(await attackEmbeddings({ ...options, steps: 0, random: new Random(1) }));
    const end = deltas(await attackEmbeddings({ ...options, steps: 1, random: new Random(1) }));
    for (const [i, delta] of end.entries()) {
      const expected = start[i]! + (i % 2 === 0 ? 0.02 : -0.02);
      expect(delta).toBeCloseTo(Math.max(-0.1, Math.min(0.1, expected)), 5);
    }
  });

  it('draws the control from a Gaussian whose RMS is eps', async () => {
    const embeds = new Float32Array(64 * 100);
    const gradient = () => Promise.reject(new Error('the control needs no gradient'));
    const all = new Uint8Array(100).fill(1);
    const noise = await attackEmbeddings({
      ...common,
      embeds,
      mask: all,
      kind: 'rg',
      gradient,
      random: new Random(2),
    });
    const rms = Math.sqrt(noise.reduce((sum, value) => sum + value ** 2, 0) / noise.length);
    expect(rms).toBeGreaterThan(0.097);
    expect(rms).toBeLessThan(0.103);
    expect(Math.max(...noise)).toBeGreaterThan(0.25);
  });

  it('changes nothing with eps 0', async () => {
    const gradient = async (embeds: Float32Array) => embeds.map(() => 1);
    for (const kind of ['pgd', 'pgd_sign', 'rg'] as const) {
      const attacked = await attackEmbeddings({
        ...common,
        eps: 0,
        mask,
        kind,
        gradient,
        random: new Random(1),
      });
      expect([...attacked]).toEqual([...common.embeds]);
    }
  });
});

describe('attacking a model', () => {
  let made: Awaited<ReturnType<typeof makeModel>>;
  let model: Model;
  beforeAll(async () => {
    made = await makeModel();
    model = await openModel(made.folder, { threads: 1 });
  });
  afterAll(async () => {
    await model.close();
    await made.remove();
  });
  const options = { attack: 'pgd', eps: 0.3, alpha: 1, steps: 3, seed: 1 } as const;
  const right = (predictions: Prediction[]) =>
    predictions.reduce((sum, p) => sum + Math.log(p.probabilities[labelOf(p)]!), 0) / predictions.length;

  it('differentiates the answer by the embeddings', async () => {
    const { config } = model.files;
    const gradients = new AnswerGradients(model.decoder, 1);
    for await (const batch of model.batches(makeSamples(3))) {
      const answers = batch.sequences.map(({ letters }) => letters[1]!);
      const at = (embeds: Float32Array) =>
        gradients.at(decoderFeeds(embeds, batch.tokens, config.text_config), answers);
      const loss = async (embeds: Float32Array) => (await at(embeds)).loss;
      const { gradient } = await at(batch.embeds);
      const steepest = [...gradient.keys()].sort((a, b) => Math.abs(gradient[b]!) - Math.abs(gradient[a]!));
      for (const place of steepest.slice(0, 3)) {
        const moved = (by: number) => batch.embeds.map((value, i) => (i === place ? value + by : value));
        const slope = ((await loss(moved(0.01))) - (await loss(moved(-0.01)))) / 0.02;
        expect(Math.abs(slope / gradient[place]! - 1)).toBeLessThan(0.03);
      }
    }
    await gradients.close();
  });

  it.each(['image_heavy', 'text_heavy'] as const)(
    'raises the loss of %s samples more than noise does',
    async (kind) => {
      const samples = makeSamples(24, kind).filter(({ image }) => image);
      const clean = right(await model.predict(samples));
      const attacked = await model.attack(samples, options);
      const sign = await model.attack(samples, { ...options, attack: 'pgd_sign', alpha: 0.15 });
      const control = await model.attack(samples, { ...options, attack: 'rg' });
      expect(right(attacked.predictions)).toBeLessThan(clean - 0.01);
      expect(right(attacked.predictions)).toBeLessThan(right(control.predictions));
      expect(right(sign.predictions)).toBeLessThan(right(control.predictions));
      expect(attacked.epsRelative).toBeGreaterThan(0);
      expect(control.epsRelative).toBe(attacked.epsRelative);
    },
  );

  it('gives the same again, and noise that depends on the sample alone', async () => {
    const samples = makeSamples(20);
    const { predictions } = await model.attack(samples, options);
    expect((await model.attack(samples, options)).predictions).toEqual(predictions);
    const some = await model.attack(samples.slice(5, 8), { ...options, batchSize: 2 });
    for (const [i, { probabilities }] of some.predictions.entries()) {
      for (const [j, p] of probabilities.entries()) {
        expect(Math.abs(p - predictions[5 + i]!.probabilities[j]!)).toBeLessThan(1e-3);
      }
    }
    const other = await model.attack(samples, { ...options, seed: 2 });
    expect(other.predictions).not.toEqual(predictions);
  });

  it('leaves the answers as they are with eps 0', async () => {
    const samples = makeSamples(5);
    const { predictions, epsRelative } = await model.attack(samples, { ...options, eps: 0 });
    expect(predictions).toEqual(await model.predict(samples));
    expect(epsRelative).toBe(0);
  });

  it('names a sample without an irrelevant modality', async () => {
    await expect(model.attack(makeSamples(1, 'vqa'), options)).rejects.toThrow(
      /'vqa 0' needs both modalities/,
    );
    const plain = makeSamples(2, 'text_heavy').slice(1);
    await expect(model.attack(plain, options)).rejects.toThrow(
      /'text_heavy 1' is text-heavy and has no image/,
    );
  });
});
