import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerModel } from '../../models/index.ts';
import { openAnswerModel } from '../../models/index.ts';
import { labelOf, type Prediction } from '../../schemas/benchmark.ts';
import { fixture, questions } from './hf-samples.ts';

const families = ['llava', 'smolvlm', 'qwen2_vl', 'qwen2_5_vl', 'instructblip', 'llava_next'];

/** Largest difference of any probability. */
function difference(a: readonly Prediction[], b: readonly Prediction[]): number {
  return Math.max(
    ...a.map(({ probabilities }, i) =>
      Math.max(...probabilities.map((p, j) => Math.abs(p - (b[i]?.probabilities[j] ?? Number.NaN)))),
    ),
  );
}

describe.each(families)('a folder of %s', (name) => {
  let model: AnswerModel;
  beforeAll(async () => {
    model = await openAnswerModel(fixture(name), { threads: 1 });
  });
  afterAll(() => model?.close());
  const samples = questions(20);

  it('answers in batches as it does one by one', async () => {
    const together = await model.predict(samples);
    const single: Prediction[] = [];
    for (const sample of samples) single.push(...(await model.predict([sample])));
    expect(together.map(({ id }) => id)).toEqual(samples.map(({ id }) => id));
    expect(difference(together, single)).toBeLessThan(1e-5);
    expect(new Set(together.map(({ predicted }) => predicted)).size).toBeGreaterThan(1);
  });

  it.each(['image_heavy', 'text_heavy'])(
    'is attacked through the part of %s questions that must not decide',
    async (kind) => {
      const attackable = samples.filter(({ image, taskKind }) => taskKind === kind && image);
      const options = { attack: 'pgd', eps: 0.05, alpha: 1, steps: 2, seed: 1 } as const;
      const right = (predictions: readonly Prediction[]) =>
        predictions.reduce((sum, p) => sum + Math.log(p.probabilities[labelOf(p)]!), 0) / predictions.length;
      const clean = await model.predict(attackable);
      const attacked = await model.attack(attackable, options);
      const control = await model.attack(attackable, { ...options, attack: 'rg' });
      expect(right(attacked.predictions)).toBeLessThan(right(clean));
      expect(right(attacked.predictions)).toBeLessThan(right(control.predictions));
      const [some] = (await model.attack(attackable.slice(1, 2), options)).predictions;
      for (const [i, p] of some!.probabilities.entries()) {
        expect(Math.abs(p - attacked.predictions[1]!.probabilities[i]!)).toBeLessThan(1e-4);
      }
      const none = await model.attack(attackable, { ...options, eps: 0 });
      expect(difference(none.predictions, clean)).toBeLessThan(1e-5);
    },
  );
});
