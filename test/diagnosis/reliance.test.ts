import { describe, expect, it } from 'vitest';
import { diagnosisMeasures } from '../../diagnosis/index.ts';
import type { PerturbationName, Prediction, TaskKind } from '../../schemas/benchmark.ts';

const one = (
  id: string,
  taskKind: TaskKind,
  perturbation: PerturbationName,
  probabilities: number[],
): Prediction => ({
  ...{ id, taskKind, perturbation, answer: 0, probabilities },
  predicted: probabilities.indexOf(Math.max(...probabilities)),
});

describe('reliance', () => {
  it('is 0 on a modality that moves nothing and 1 on one that turns certain answers round', () => {
    const ids = ['a', 'b', 'c', 'd'];
    const predictions = ids.flatMap((id) => [
      one(id, 'image_heavy', 'origin', [1, 0]),
      one(id, 'image_heavy', 'image_removed', [0, 1]),
      one(id, 'image_heavy', 'unrelated_text', [1, 0]),
      one(id, 'image_heavy', 'helpful_text', [0, 1]),
      one(id, 'image_heavy', 'own/right_title', [0, 1]),
    ]);
    const samples = ids.flatMap((id) => [
      { id, source: id, answer: 0, hinted: 0, perturbation: 'own/right_title' },
      { id, source: id, answer: 0, hinted: 1, perturbation: 'unrelated_text' },
    ]);
    const { conditions, reliance, worst } = diagnosisMeasures(samples, predictions, { seed: 1 });
    expect(reliance.image_heavy?.image).toEqual({ share: 1, ci95: [1, 1], n: 4, leftOut: 0 });
    expect(reliance.image_heavy?.text).toEqual({ share: 0, ci95: [0, 0], n: 4, leftOut: 0 });
    expect(worst.image_heavy?.share).toBe(1);
    expect(conditions['image_heavy/image_removed']?.drop).toBeNull();
  });

  it('is the mean over samples of the mean over conditions, and null where nothing was measured', () => {
    const predictions = [
      one('a', 'text_heavy', 'origin', [1, 0]),
      one('a', 'text_heavy', 'full_black', [1, 0]),
      one('a', 'text_heavy', 'switch', [0, 1]),
      one('b', 'text_heavy', 'origin', [1, 0]),
      one('b', 'text_heavy', 'full_black', [1, 0]),
      one('b', 'text_heavy', 'switch', [1, 0]),
      // Asked one condition alone: it does not count.
      one('c', 'text_heavy', 'origin', [1, 0]),
      one('c', 'text_heavy', 'switch', [0, 1]),
    ];
    const samples = [
      { id: 'a', source: 'a' },
      { id: 'b', source: 'b' },
      { id: 'c', source: 'c' },
    ];
    const { reliance } = diagnosisMeasures(samples, predictions, { seed: 1 });
    expect(reliance.text_heavy?.image?.share).toBeCloseTo((0.5 + 0) / 2, 12);
    expect(reliance.text_heavy?.image).toMatchObject({ n: 2, leftOut: 1 });
    expect(reliance.text_heavy?.text).toBeNull();
  });
});
