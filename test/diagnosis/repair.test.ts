import { describe, expect, it } from 'vitest';
import {
  diagnosisFigures,
  diagnosisMeasures,
  repairOf,
  type Side,
  TrainingRows,
} from '../../diagnosis/index.ts';
import { lowestAccuracy } from '../../diagnosis/measures/lowest.ts';
import { differenceInterval, wilson } from '../../diagnosis/statistics/wilson.ts';
import { Random } from '../../random/index.ts';
import type { Prediction, TaskKind } from '../../schemas/benchmark.ts';
import { Repair } from '../../schemas/repair.ts';

/** `n` answers to four options of which the first `right` are right. */
function answers(taskKind: TaskKind, perturbation: string, n: number, right: number): Prediction[] {
  return Array.from({ length: n }, (_, i) => {
    const answer = i % 4;
    const predicted = i < right ? answer : (answer + 1) % 4;
    const probabilities = [0, 1, 2, 3].map((place) => (place === predicted ? 0.7 : 0.1));
    return { id: `${taskKind}-${i}`, taskKind, perturbation, answer, predicted, probabilities };
  });
}

const sourceOf = (id: string) => id;
const rules = { verdict: 'pass', gates: [] } as const;

function side(predictions: Prediction[]): Side {
  const samples = predictions.map(({ id }) => ({ id, source: id }));
  return {
    predictions,
    diagnosis: {
      figures: diagnosisFigures(predictions),
      measures: diagnosisMeasures(samples, predictions, { seed: 1 }),
    },
    rules: { ...rules, gates: [] },
  };
}

/** A model's answers: right ones of 200 by condition. */
function model(right: Record<string, number>, n = 200): Side {
  return side(
    Object.entries(right).flatMap(([condition, of]) => {
      const [kind, name] = condition.split('/') as [TaskKind, string];
      return answers(kind, name, n, of);
    }),
  );
}

const base = {
  'image_heavy/origin': 190,
  'image_heavy/misleading_text': 20,
  'image_heavy/misleading_text_unseen': 81,
  'image_heavy/helpful_text': 10,
  'text_heavy/origin': 198,
  'text_heavy/switch_target': 150,
  'vqa/origin': 180,
};
const trained = {
  'image_heavy/origin': 191,
  'image_heavy/misleading_text': 30,
  'image_heavy/misleading_text_unseen': 180,
  'image_heavy/helpful_text': 10,
  'text_heavy/origin': 198,
  'text_heavy/switch_target': 172,
  'vqa/origin': 176,
};
const trainedOn = ['image_heavy/misleading_text'];
const repair = (before: Side, after: Side, on = trainedOn) =>
  repairOf({ before, after, trainedOn: on, sourceOf });

describe('what training made of a model', () => {
  it('is told by each model’s own worst, of perturbations that training had not seen', () => {
    const found = repair(model(base), model(trained));
    expect(Repair.parse(found)).toEqual(found);
    expect(found.lowest).toMatchObject({
      before: { condition: 'image_heavy/misleading_text_unseen', accuracy: 0.405, n: 200, conditions: 2 },
      after: { condition: 'text_heavy/switch_target', accuracy: 0.86, n: 200, conditions: 2 },
      change: 'raised',
      overall: {
        before: { condition: 'image_heavy/misleading_text', accuracy: 0.1, conditions: 3 },
        after: { condition: 'image_heavy/misleading_text', accuracy: 0.15, conditions: 3 },
      },
    });
    expect(found.found.largest).toMatchObject({
      condition: 'image_heavy/misleading_text_unseen',
      perturbed: 0.405,
    });
    expect(found.found.largest!.clean).toBeCloseTo(0.95, 12);
    expect(found.foundOnTrained.largest).toMatchObject({ condition: 'image_heavy/misleading_text' });
  });

  it('is open where the intervals meet, and lowered where they lie apart the other way', () => {
    const at = (right: number) =>
      repair(model(base), model({ ...trained, 'image_heavy/misleading_text_unseen': right })).lowest.change;
    expect([at(40), at(90), at(180)]).toEqual(['lowered', 'open', 'raised']);
    const few = repair(
      model({ 'image_heavy/origin': 20, 'image_heavy/ocr_text': 0 }, 20),
      model({ 'image_heavy/origin': 20, 'image_heavy/ocr_text': 20 }, 20),
    );
    expect(few.lowest.change).toBe('open');
    expect(few.found).toEqual({ verdict: 'not_enough_data', largest: null });
  });

  it('says nothing of what was not measured beyond the training', () => {
    const all = [
      'image_heavy/misleading_text',
      'image_heavy/misleading_text_unseen',
      'text_heavy/switch_target',
    ];
    expect(repair(model(base), model(trained), all)).toMatchObject({
      found: { verdict: 'nothing_measured', largest: null },
      lowest: { before: null, after: null, change: 'open', overall: { after: { conditions: 3 } } },
    });
  });

  it('leaves a kind at chance out before training, and names it after', () => {
    const hopeless = repair(model({ ...base, 'image_heavy/origin': 50 }), model(trained));
    expect(hopeless.atChance).toEqual({ before: ['image_heavy'], after: [] });
    expect(hopeless.lowest.before!.condition).toBe('text_heavy/switch_target');
    const ruined = repair(model(base), model({ ...trained, 'image_heavy/origin': 50 }));
    expect(ruined.atChance).toEqual({ before: [], after: ['image_heavy'] });
    expect(ruined.lowest.after!.conditions).toBe(2);
  });

  it('asks of every ability whether it was kept, with interval and test', () => {
    const of = (right: number, n = 1600) =>
      repair(model({ 'vqa/origin': Math.round(n * 0.9) }, n), model({ 'vqa/origin': right }, n)).ability.vqa!;
    expect(of(1440)).toMatchObject({ difference: 0, pValue: 1, verdict: 'kept', n: 1600 });
    expect(of(1419)).toMatchObject({ verdict: 'slightly_lower' });
    expect(of(1419).difference).toBeCloseTo(-0.013125, 12);
    expect(of(1419).pValue).toBeLessThan(0.005);
    expect(of(1419).ci95[1]).toBeLessThan(0);
    expect(of(1360).verdict).toBe('lower');
    expect(of(1200).verdict).toBe('lost');
    // Nothing moved, but of so few samples that more than five points may be lost.
    expect(of(36, 40)).toMatchObject({ difference: 0, verdict: 'too_few' });
    expect(of(18, 20).verdict).toBe('too_few');
  });
});

describe('what training saw', () => {
  const rows = new TrainingRows();
  rows.add({ taskKind: 'image_heavy', perturbation: 'origin', variant: '' });
  rows.add({ taskKind: 'image_heavy', perturbation: 'misleading_text', variant: 'the photo shows a {} .' });
  rows.add({ taskKind: 'image_heavy', perturbation: 'unrelated_text', variant: 'facts' });
  rows.add({ taskKind: 'text_heavy', perturbation: 'switch', variant: 'photo of a shoe' });

  it('is read from its rows: perturbations, and templates wherever they stand', () => {
    const asked = [
      { taskKind: 'image_heavy', perturbation: 'origin', variant: '' },
      { taskKind: 'image_heavy', perturbation: 'misleading_text', variant: 'another {} .' },
      { taskKind: 'image_heavy', perturbation: 'own/titles', variant: 'new words for a {} .' },
      { taskKind: 'image_heavy', perturbation: 'own/captions', variant: 'new words for a {} .' },
      { taskKind: 'image_heavy', perturbation: 'own/captions', variant: 'the photo shows a {} .' },
      { taskKind: 'image_heavy', perturbation: 'own/lines', variant: 'facts' },
      { taskKind: 'text_heavy', perturbation: 'switch_target', variant: 'photo of a shoe' },
      { taskKind: 'text_heavy', perturbation: 'switch', variant: 'photo of a hat' },
    ] as const;
    expect(rows.conditionsAmong(asked)).toEqual([
      'image_heavy/misleading_text',
      'image_heavy/own/captions',
      'text_heavy/switch',
    ]);
  });
});

describe('the lowest of several accuracies', () => {
  it('has an interval that holds the lowest true one as often as it says, though the lowest is chosen by chance', () => {
    const random = new Random(5, 'lowest');
    const [conditions, n, truth] = [8, 150, 0.7];
    const repetitions = 400;
    let [held, naive] = [0, 0];
    for (let r = 0; r < repetitions; r++) {
      const predictions = Array.from({ length: conditions }, (_, k) =>
        answers('image_heavy', `own/c${k}`, n, 0).map((p) => ({
          ...p,
          predicted: random.uniform() < truth ? p.answer! : p.predicted,
        })),
      ).flat();
      const { accuracy, ci95 } = lowestAccuracy(predictions, { counts: () => true, sourceOf })!;
      if (ci95[0] <= truth && truth <= ci95[1]) held++;
      const [low, high] = wilson(Math.round(accuracy * n), n);
      if (low <= truth && truth <= high) naive++;
    }
    expect(held / repetitions).toBeGreaterThan(0.95);
    // The interval of the condition chosen would not do.
    expect(naive / repetitions).toBeLessThan(0.92);
  });

  it('is wider where samples share sources, and leaves conditions of a few samples out', () => {
    const predictions = [
      ...answers('image_heavy', 'own/a', 120, 60),
      ...answers('image_heavy', 'own/b', 5, 0),
    ];
    const alone = lowestAccuracy(predictions, { counts: () => true, sourceOf })!;
    expect(alone).toMatchObject({ condition: 'image_heavy/own/a', accuracy: 0.5, conditions: 1 });
    expect(alone.ci95[0]).toBeCloseTo(wilson(60, 120)[0], 12);
    const photo = (id: string) => `${Math.floor(Number(id.split('-')[1]) / 10)}`;
    const together = lowestAccuracy(predictions, { counts: () => true, sourceOf: photo })!;
    expect(together.ci95[1] - together.ci95[0]).toBeGreaterThan(2 * (alone.ci95[1] - alone.ci95[0]));
    expect(lowestAccuracy(predictions.slice(120), { counts: () => true, sourceOf })).toMatchObject({
      accuracy: 0,
      n: 5,
    });
    expect(lowestAccuracy(predictions, { counts: () => false, sourceOf })).toBeNull();
  });
});

describe('the largest drop of a diagnosis', () => {
  it('is that of interference alone, where the model is not at chance, with an interval for the largest', () => {
    const { largest, lowest } = model(base).diagnosis.measures;
    expect(largest).toMatchObject({ condition: 'image_heavy/misleading_text', n: 200, conditions: 3 });
    expect(largest!.drop).toBeCloseTo(0.85, 12);
    expect(lowest).toMatchObject({ condition: 'image_heavy/misleading_text', accuracy: 0.1, conditions: 3 });
    const alone = { 'image_heavy/origin': 190, 'image_heavy/misleading_text': 20 };
    const one = model(alone).diagnosis.measures.largest!;
    // Of three the lower end allows for having chosen; the upper need not.
    expect(largest!.ci95[0]).toBeLessThan(one.ci95[0]);
    expect(largest!.ci95[1]).toBe(one.ci95[1]);
    const hopeless = model({ ...base, 'image_heavy/origin': 50 }).diagnosis.measures;
    expect(hopeless.largest!.condition).toBe('text_heavy/switch_target');
    expect(model({ 'vqa/origin': 90 }).diagnosis.measures).toMatchObject({ largest: null, lowest: null });
  });
});

describe('the interval of a difference of two shares', () => {
  it('agrees with the source: 56 of 70 less 48 of 80', () => {
    const first = { share: 48 / 80, interval: wilson(48, 80) };
    const second = { share: 56 / 70, interval: wilson(56, 70) };
    const [low, high] = differenceInterval(first, second);
    expect(low).toBeCloseTo(0.0524, 4);
    expect(high).toBeCloseTo(0.3339, 4);
  });
});
