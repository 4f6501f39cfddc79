import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { dataFolder } from '../../data/folder.ts';
import { type AnswerModel, openAnswerModel, openModel } from '../../models/index.ts';
import { fixture, questions } from './hf-samples.ts';
import { certainty, shippedSamples } from './shipped.ts';

const options = {
  attack: 'pixels' as const,
  eps: 0.05,
  alpha: 1,
  steps: 1,
  seed: 1,
  strongSteps: 2,
  queries: 1,
};
const opened: AnswerModel[] = [];
async function open(folder: string): Promise<AnswerModel> {
  const model = await openAnswerModel(folder, { threads: 1 });
  opened.push(model);
  return model;
}
afterAll(() => Promise.all(opened.map((model) => model.close())));

const textHeavy = (count: number) => shippedSamples('text_heavy', count);

describe('an attack on the pixels', () => {
  it('lowers the right answers of the shipped model, and with no strength leaves them as they are', async () => {
    const model = await open(join(dataFolder(), 'model'));
    const samples = await textHeavy(12);
    const clean = await model.predict(samples);
    const { predictions } = await model.attack(samples, options);
    expect(certainty(predictions)).toBeLessThan(certainty(clean));
    const none = await model.attack(samples, { ...options, eps: 0 });
    for (const [i, { probabilities }] of none.predictions.entries()) {
      for (const [j, p] of probabilities.entries()) expect(p).toBeCloseTo(clean[i]!.probabilities[j]!, 5);
    }
    expect(await model.attack(samples, options)).toEqual(await model.attack(samples, options));
  });

  it('follows the gradient by the pixels: it agrees with differences', async () => {
    const model = await openModel(join(dataFolder(), 'model'), { threads: 1 });
    const [sample] = await textHeavy(1);
    const slots = Array.from({ length: 16 }, (_, i) => i);
    const picture = await model.openPicture(sample!.image!, slots);
    const features = await picture.features(picture.values);
    const cotangent = features.map((_, i) => Math.sin(i));
    const gradient = await picture.gradient(picture.values, cotangent);
    const loss = async (values: Float32Array) =>
      (await picture.features(values)).reduce((sum, value, i) => sum + value * cotangent[i]!, 0);
    const places = [...gradient.keys()]
      .sort((a, b) => Math.abs(gradient[b]!) - Math.abs(gradient[a]!))
      .slice(0, 5);
    for (const at of places) {
      const moved = (by: number) => picture.values.map((value, i) => (i === at ? value + by : value));
      const slope = ((await loss(moved(0.01))) - (await loss(moved(-0.01)))) / 0.02;
      expect(Math.abs(slope / gradient[at]! - 1)).toBeLessThan(0.05);
    }
    await model.close();
  });

  it.each(['llava', 'llava_next', 'smolvlm', 'qwen2_vl', 'qwen2_5_vl', 'instructblip'])(
    'passes through the vision encoder of a %s folder',
    async (name) => {
      const model = await open(fixture(name));
      const asked = questions(20).filter(({ image, taskKind }) => taskKind === 'text_heavy' && image);
      // Weights are random: the right answer is the model's own, or there would be nothing to attack.
      const own = await model.predict(asked);
      const samples = asked.map((sample, i) => ({ ...sample, answer: own[i]!.predicted }));
      const { predictions } = await model.attack(samples, { ...options, eps: 0.2 });
      expect(predictions).toHaveLength(samples.length);
      expect(certainty(predictions)).toBeLessThan(certainty(await model.predict(samples)));
    },
  );
});
