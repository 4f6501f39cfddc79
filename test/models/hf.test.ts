import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnswerModel } from '../../models/index.ts';
import { openAnswerModel } from '../../models/index.ts';
import type { Prediction } from '../../schemas/benchmark.ts';
import { fixture, questions } from './hf-samples.ts';

const families = ['llava', 'smolvlm', 'qwen2_vl', 'qwen2_5_vl', 'instructblip'];

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
});
