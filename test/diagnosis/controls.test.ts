import { describe, expect, it } from 'vitest';
import { diagnosisMeasures } from '../../diagnosis/index.ts';
import { costOfWhat } from '../../report/index.ts';
import type { Prediction } from '../../schemas/benchmark.ts';
import { condition } from './answers.ts';

const positions = ['before', 'after'] as const;
/** Samples as they were asked: every second one behind the options, a quarter in each family of both places. */
const askedOf = (predictions: readonly Prediction[]) =>
  predictions.map(({ id, perturbation }) => {
    const i = Number(id.split(' ')[1]);
    const text = { position: positions[i % 2]!, family: i % 4 < 2 ? 'loud' : 'plain' };
    return { id, source: id, perturbation, ...(perturbation === 'origin' ? {} : text) };
  });

const n = 400;
const measuresOf = (lost: number, toLength: number) => {
  const predictions = [
    ...condition(n, 0, 'origin'),
    ...condition(n, lost, 'misleading_text'),
    ...condition(n, toLength, 'misleading_text_control'),
  ];
  return diagnosisMeasures(askedOf(predictions), predictions, { seed: 3 });
};
const key = 'image_heavy/misleading_text';

describe('the drop against the neutral control', () => {
  it.each([
    [80, 0, 0.2, 'drop', 'its content costs, not its length'],
    [80, 80, 0, 'no_relevant_drop', 'its length alone costs, not its content'],
    [120, 40, 0.2, 'drop', 'its length alone costs, and its content more'],
    [80, 70, 0.025, 'drop', 'its length alone costs, and its content more'],
    [0, 0, 0, 'no_relevant_drop', ''],
  ])('of %i lost, %i of them to the length', (lost, toLength, drop, verdict, what) => {
    const measures = measuresOf(lost, toLength);
    const found = measures.conditions[key]!;
    expect(found.dropAgainstControl).toMatchObject({ n, verdict });
    expect(found.dropAgainstControl!.drop).toBeCloseTo(drop, 12);
    expect(found.drop!.drop).toBeCloseTo(lost / n, 12);
    expect(measures.conditions[`${key}_control`]!.drop!.drop).toBeCloseTo(toLength / n, 12);
    expect(costOfWhat(measures, key)).toBe(what);
  });

  it('leaves the adjusted p-values of the other drops as they are', () => {
    const clean = [...condition(n, 0, 'origin'), ...condition(n, 20, 'misleading_text')];
    const alone = diagnosisMeasures(askedOf(clean), clean, { seed: 3 }).conditions[key]!;
    expect(alone.dropAgainstControl).toBeUndefined();
    expect(measuresOf(20, 30).conditions[key]!.drop).toEqual(alone.drop);
  });

  it('is of the samples that were asked both', () => {
    const predictions = [
      ...condition(n, 0, 'origin'),
      ...condition(n, 80, 'misleading_text'),
      ...condition(100, 50, 'misleading_text_control'),
    ];
    const { conditions } = diagnosisMeasures(askedOf(predictions), predictions, { seed: 3 });
    expect(conditions[key]!.dropAgainstControl).toMatchObject({ n: 100, drop: 0.3 });
  });

  it('does not count as the worst case', () => {
    expect(measuresOf(0, 200).worst.image_heavy!.share).toBe(1);
  });
});

describe('a text by family and place', () => {
  it('has its own figures, against the clean answers and against the control', () => {
    const { families, positions: places } = measuresOf(80, 40).conditions[key]!;
    expect(Object.keys(families!)).toEqual(['loud', 'plain']);
    expect(Object.keys(places!)).toEqual(['after', 'before']);
    for (const slice of Object.values({ ...families, ...places })) {
      expect(slice).toMatchObject({ n: 200, accuracy: 0.8, changeRate: 0.2, drop: { drop: 0.2, n: 200 } });
      expect(slice.dropAgainstControl!.drop).toBeCloseTo(0.1, 12);
      const [low, high] = slice.dropAgainstControl!.ci95;
      expect(low).toBeLessThan(0.1);
      expect(high).toBeGreaterThan(0.1);
    }
  });

  it('is not broken down where there is one, nor at its control', () => {
    const one = measuresOf(80, 40);
    expect(one.conditions[`${key}_control`]).not.toHaveProperty('families');
    const predictions = [...condition(n, 0, 'origin'), ...condition(n, 8, 'misleading_text')];
    const asked = askedOf(predictions).map((sample) =>
      'family' in sample ? { ...sample, family: 'one', position: 'before' as const } : sample,
    );
    const { conditions } = diagnosisMeasures(asked, predictions, { seed: 3 });
    expect(conditions[key]).not.toHaveProperty('families');
    expect(conditions[key]).not.toHaveProperty('positions');
  });
});
