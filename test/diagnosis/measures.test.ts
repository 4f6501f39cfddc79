import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import {
  attackPoint,
  compareAttacks,
  diagnosisFigures,
  figures,
  hintsOf,
  imageDataUri,
  talkedOut,
  wilson,
} from '../../diagnosis/index.ts';
import type { PerturbationName, PerturbedSample, Prediction } from '../../schemas/benchmark.ts';
import { DiagnosisFigures, TalkedOut } from '../../schemas/report.ts';

function predict(
  id: string,
  perturbation: PerturbationName,
  predicted: number,
  taskKind: Prediction['taskKind'] = 'image_heavy',
): Prediction {
  const probabilities = [0.1, 0.1, 0.1, 0.1];
  probabilities[predicted] = 0.7;
  return { id, taskKind, perturbation, answer: 0, predicted, probabilities };
}

function sample(id: string, perturbation: PerturbationName, hinted: number | null = null): PerturbedSample {
  return {
    id,
    taskKind: 'image_heavy',
    split: 'test',
    question: 'which item is in the picture ?',
    options: ['shirt', 'bag', 'coat', 'boot'],
    answer: 0,
    context: perturbation === 'origin' ? null : 'photo of a bag .',
    image: { bytes: encode({ width: 1, height: 1, data: new Uint8Array([9]), channels: 1 }), path: null },
    source: `photo ${id}`,
    perturbation,
    variant: '',
    hinted,
  };
}

const clean = ['a', 'b', 'c', 'd'].map((id) => predict(id, 'origin', id === 'd' ? 2 : 0));
const misled = [
  predict('a', 'misleading_text', 1),
  predict('b', 'misleading_text', 0),
  predict('c', 'misleading_text', 3),
  predict('d', 'misleading_text', 0),
];

describe('figures of a condition', () => {
  it('counts accuracy, changes and followed hints', () => {
    const samples = ['a', 'b', 'c', 'd'].map((id) => sample(id, 'misleading_text', id === 'd' ? null : 1));
    const result = figures(clean, misled, hintsOf(samples));
    expect(result).toMatchObject({ accuracy: 0.5, changeRate: 0.75, n: 4, ci95: wilson(2, 4) });
    expect(result.followed).toBeCloseTo(1 / 3, 12);
    // Three of four distributions swap .7 and .1.
    expect(result.kl).toBeCloseTo(0.75 * 0.6 * Math.log(7), 6);
  });

  it('has no share of followed hints where nothing was hinted, and no change for origin', () => {
    const result = figures(clean, clean);
    expect(result).toMatchObject({ accuracy: 0.75, changeRate: 0, kl: 0 });
    expect(result).not.toHaveProperty('followed');
  });

  it('stays finite when a probability is 0', () => {
    const certain = { ...predict('a', 'misleading_text', 1), probabilities: [0, 1, 0, 0] };
    expect(Number.isFinite(figures(clean, [certain]).kl)).toBe(true);
  });

  it('groups by condition and satisfies the schema', () => {
    const textHeavy = [predict('t', 'origin', 0, 'text_heavy'), predict('t', 'full_black', 1, 'text_heavy')];
    const result = diagnosisFigures([...misled, ...clean, ...textHeavy]);
    expect(Object.keys(result)).toEqual([
      'image_heavy/misleading_text',
      'image_heavy/origin',
      'text_heavy/origin',
      'text_heavy/full_black',
    ]);
    expect(result['text_heavy/full_black']).toMatchObject({ accuracy: 0, changeRate: 1, n: 1 });
    expect(DiagnosisFigures.parse(result)).toEqual(result);
  });

  it('names the sample that lacks its clean prediction, or comes twice', () => {
    expect(() => figures([], misled)).toThrow(
      /misleading_text, sample "a": no prediction of the unperturbed/,
    );
    expect(() => figures(clean, [...misled, misled[0]!])).toThrow(/sample "a": predicted twice/);
    expect(() => figures(clean, [])).toThrow(/without samples/);
    const short = { ...misled[0]!, probabilities: [0.5, 0.5] };
    expect(() => figures(clean, [short])).toThrow(/2 options, but 4/);
  });
});

describe('attack points', () => {
  const point = (
    eps: number,
    attacked: Prediction[],
    taskKind: 'image_heavy' | 'text_heavy' = 'image_heavy',
  ) => attackPoint({ taskKind, eps, attack: 'pgd', epsRelative: eps / 0.03 }, clean, attacked);

  it('pairs before and after, sorted by eps', () => {
    const rows = compareAttacks(
      [point(0.1, misled), point(0.01, clean)],
      [point(0.01, clean), point(0.1, clean)],
    );
    expect(rows.map(({ eps, before, after }) => [eps, before, after])).toEqual([
      [0.01, 0.75, 0.75],
      [0.1, 0.5, 0.75],
    ]);
    expect(rows[0]!.epsRelative).toBeCloseTo(1 / 3, 12);
  });

  it('refuses a point that one of the models lacks', () => {
    expect(() => compareAttacks([point(0.1, misled)], [])).toThrow(/image_heavy\/pgd\/0.1 .* trained model/);
    expect(() => compareAttacks([], [point(0.1, misled)])).toThrow(/base model/);
  });
});

describe('samples that were talked out of the right answer', () => {
  const ids = Array.from({ length: 12 }, (_, i) => `s${i}`);
  const conditions = ['misleading_text', 'unrelated_text', 'helpful_text'] as const;
  const samples = ids.flatMap((id) => conditions.map((name) => sample(id, name, 1)));
  const before = [
    ...ids.map((id) => predict(id, 'origin', id === 's0' ? 1 : 0)),
    ...samples.map((s) => predict(s.id, s.perturbation, s.id === 's1' ? 0 : 1)),
  ];
  const after = samples.map((s) => predict(s.id, s.perturbation, 0));

  it('takes turns between conditions and shows no source twice', () => {
    const shown = talkedOut({ samples, before, after, seed: 7, limit: 6 });
    expect(shown.map((s) => s.perturbation)).toEqual([
      'misleading_text',
      'unrelated_text',
      'misleading_text',
      'unrelated_text',
      'misleading_text',
      'unrelated_text',
    ]);
    expect(new Set(shown.map((s) => s.id)).size).toBe(6);
    for (const example of shown) {
      expect(TalkedOut.parse(example)).toMatchObject({
        cleanPrediction: 0,
        perturbedPrediction: 1,
        trainedPrediction: 0,
      });
      // s0 was wrong all along; s1 was not talked out of anything.
      expect(['s0', 's1']).not.toContain(example.id);
      expect(example.image).toMatch(/^data:image\/png;base64,/);
    }
  });

  it('leaves out the right hints of a pack, as those of the catalogue', () => {
    const hinting = (name: string, hinted: number) =>
      ids.map((id) => ({ ...sample(id, 'misleading_text', 1), perturbation: name, hinted }));
    const own = [...hinting('titles/right', 0), ...hinting('titles/wrong', 1)];
    const answers = [
      ...ids.map((id) => predict(id, 'origin', 0)),
      ...own.map((s) => predict(s.id, s.perturbation, 1)),
    ];
    const shown = talkedOut({ samples: own, before: answers, seed: 7 });
    expect(new Set(shown.map((s) => s.perturbation))).toEqual(new Set(['titles/wrong']));
  });

  it('does not depend on the trained model, only on the seed', () => {
    const ids = (seed: number, trained?: Prediction[]) =>
      talkedOut({ samples, before, ...(trained ? { after: trained } : {}), seed }).map((s) => s.id);
    expect(ids(7)).toEqual(ids(7, after));
    expect(ids(7)).not.toEqual(ids(8));
    expect(talkedOut({ samples, before, seed: 7 }).every((s) => s.trainedPrediction === null)).toBe(true);
  });

  it('shows no picture of a format that browsers may not know', () => {
    expect(imageDataUri(null)).toBeNull();
    expect(imageDataUri({ bytes: new Uint8Array([1, 2, 3, 4]), path: null })).toBeNull();
    expect(imageDataUri({ bytes: new Uint8Array([0xff, 0xd8, 0xff, 0]), path: null })).toBe(
      'data:image/jpeg;base64,/9j/AA==',
    );
  });
});
