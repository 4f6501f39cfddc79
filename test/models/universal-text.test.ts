import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataFolder } from '../../data/folder.ts';
import { openAnswerModel, openModel } from '../../models/index.ts';
import { alike, fixture } from './hf-samples.ts';
import { accuracyOf, certainty, shippedSamples } from './shipped.ts';

const options = { attack: 'universal_text', alpha: 1, steps: 1, seed: 7 } as const;
type Samples = Awaited<ReturnType<typeof shippedSamples>>;
const withText = (samples: Samples, context: string) =>
  samples.map((sample) => ({
    ...sample,
    context: sample.context ? `${context}\n${sample.context}` : context,
  }));

describe('the same words for all', () => {
  it('fool samples of the shipped model that they were not found on, more than random ones, and are the same each time', async () => {
    const model = await openModel(join(dataFolder(), 'model'), { threads: 1 });
    const samples = await shippedSamples('image_heavy', 60);
    const found = await model.attack(samples, { ...options, eps: 2 });
    const { control, predictions, trigger } = found;
    expect(accuracyOf(predictions)).toBeLessThan(accuracyOf(control!) - 0.15);
    const words = trigger!.split(' ');
    expect(words).toHaveLength(2);
    for (const word of words) expect([...model.files.tokenizer.words.values()]).toContain(word);
    // What is reported is what a person gets who writes these words before the question.
    const read = await model.predict(withText(samples, trigger!));
    for (const { id, predicted } of predictions) {
      expect(read.find((prediction) => prediction.id === id)!.predicted).toBe(predicted);
    }
    const sources = new Set(samples.map(({ source }) => source));
    const measured = samples.filter(({ id }) => predictions.some((prediction) => prediction.id === id));
    expect(new Set(measured.map(({ source }) => source)).size).toBe(Math.ceil(sources.size / 2));
    expect(await model.attack(samples, { ...options, eps: 2 })).toEqual(found);
    await model.close();
  });

  it.each(['llava', 'smolvlm', 'qwen2_vl', 'instructblip'])('are found on a %s folder', async (name) => {
    const model = await openAnswerModel(fixture(name), { threads: 1 });
    const samples = alike('image_heavy', 12);
    const { control, predictions, trigger } = await model.attack(samples, { ...options, eps: 2 });
    expect(certainty(predictions)).toBeLessThan(certainty(control!));
    expect(trigger).not.toMatch(/<|\ufffd/);
    const read = await model.predict(withText(samples, trigger!));
    for (const { id, probabilities } of predictions) {
      const again = read.find((prediction) => prediction.id === id)!;
      for (const [i, p] of probabilities.entries()) expect(again.probabilities[i]).toBeCloseTo(p, 4);
    }
    await model.close();
  });
});
