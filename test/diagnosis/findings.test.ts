import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  diagnosisFigures,
  diagnosisMeasures,
  judgeGates,
  labelledFigures,
  wilson,
} from '../../diagnosis/index.ts';
import { calibrationError } from '../../diagnosis/measures/calibration.ts';
import { letterBias } from '../../diagnosis/measures/letters.ts';
import { Random } from '../../random/index.ts';
import type { Prediction, TaskKind } from '../../schemas/benchmark.ts';
import { DiagnosisMeasures } from '../../schemas/diagnosis.ts';
import { GateRule } from '../../schemas/gate.ts';

const file = new URL('../fixtures/statistics/statistics.json', import.meta.url);
const reference = JSON.parse(readFileSync(file, 'utf8')) as {
  calibration: { probabilities: number[][]; answers: number[]; ece: number }[];
};

function prediction(
  id: string,
  perturbation: string,
  right: boolean,
  taskKind: TaskKind = 'image_heavy',
): Prediction {
  const predicted = right ? 0 : 1;
  const probabilities = [0, 1, 2, 3].map((place) => (place === predicted ? 0.7 : 0.1));
  return { id, taskKind, perturbation, answer: 0, predicted, probabilities };
}

/** Clean answers of which `clean` are right, and perturbed ones that lose `lost` of those. */
function condition(n: number, clean: number, lost: number, perturbation: string): Prediction[] {
  return Array.from({ length: n }, (_, i) => [
    prediction(`s${i}`, 'origin', i < clean),
    prediction(`s${i}`, perturbation, i < clean - lost),
  ]).flat();
}

const samplesOf = (predictions: readonly Prediction[], perSource = 1) =>
  predictions.map(({ id }) => ({ id, source: `photo ${Math.floor(Number(id.slice(1)) / perSource)}` }));

describe('the drop of a condition', () => {
  const dropOf = (predictions: Prediction[], perSource = 1) =>
    diagnosisMeasures(samplesOf(predictions, perSource), predictions, { seed: 3 }).conditions[
      'image_heavy/misleading_text'
    ]!.drop!;

  it('is found where it is large', () => {
    const drop = dropOf(condition(200, 180, 60, 'misleading_text'));
    expect(drop).toMatchObject({ drop: 0.3, n: 200, verdict: 'drop' });
    expect(drop.ci95[0]).toBeGreaterThan(0.2);
    expect(drop.pValue).toBeLessThan(1e-9);
  });

  it('is none that matters where many samples hardly move', () => {
    expect(dropOf(condition(2000, 1800, 4, 'misleading_text')).verdict).toBe('no_relevant_drop');
  });

  it('is left open where samples are few, and says how many would do', () => {
    expect(dropOf(condition(20, 18, 8, 'misleading_text')).verdict).toBe('not_enough_data');
    const drop = dropOf(condition(60, 50, 3, 'misleading_text'));
    expect(drop.verdict).toBe('not_enough_data');
    expect(drop.pairsNeeded).toBeGreaterThan(100);
  });

  it('is left open where few samples stay as they are, as a rule would say', () => {
    const still = (n: number) => condition(n, n - 5, 0, 'misleading_text');
    expect(dropOf(still(40))).toMatchObject({ drop: 0, verdict: 'not_enough_data' });
    expect(dropOf(still(40)).ci95[1]).toBeCloseTo(wilson(0, 40)[1], 12);
    expect(dropOf(still(80)).verdict).toBe('no_relevant_drop');
    // Eight photos say less than eighty.
    expect(dropOf(still(80), 10).verdict).toBe('not_enough_data');
    const rule = GateRule.parse({
      name: 'text',
      figure: 'drop',
      condition: 'image_heavy/misleading_text',
      atMost: 0.05,
    });
    const [gate] = judgeGates(
      { predictions: still(40), hints: new Map(), sourceOf: (id) => id, attacks: [], seed: 3 },
      [rule],
    ).gates;
    // The finding and the rule rest on one bound.
    expect(gate!.interval![1]).toBe(dropOf(still(40)).atMost);
    expect(gate!.verdict).toBe('inconclusive');
  });

  it('has a p-value that does not take samples of one photo for independent', () => {
    const predictions = condition(200, 180, 16, 'misleading_text');
    expect(dropOf(predictions).pValue).toBeLessThan(0.001);
    expect(dropOf(predictions, 10).pValue).toBeGreaterThan(0.05);
  });

  it('is less sure where samples share their source', () => {
    const predictions = condition(200, 180, 60, 'misleading_text');
    const [alone, together] = [dropOf(predictions), dropOf(predictions, 10)];
    expect(together.ci95[1] - together.ci95[0]).toBeGreaterThan(1.5 * (alone.ci95[1] - alone.ci95[0]));
  });

  it('has its p-value corrected for the number of conditions', () => {
    const predictions = [
      ...condition(100, 90, 8, 'misleading_text'),
      ...condition(100, 90, 7, 'unrelated_text').filter((p) => p.perturbation !== 'origin'),
      ...condition(100, 90, 0, 'ocr_text').filter((p) => p.perturbation !== 'origin'),
    ];
    const { conditions } = diagnosisMeasures(samplesOf(predictions), predictions, { seed: 1 });
    const found = conditions['image_heavy/misleading_text']!.drop!;
    expect(found.pAdjusted).toBeCloseTo(3 * found.pValue, 12);
    expect(conditions['image_heavy/origin']!.drop).toBeNull();
  });
});

describe('tasks of the team', () => {
  it('are measured each on its own samples', () => {
    const predictions = condition(100, 90, 40, 'misleading_text');
    const samples = samplesOf(predictions).map((sample, i) => ({
      ...sample,
      // From the 51st to the 90th all lose; the last ten have no task.
      ...(Number(sample.id.slice(1)) < 90
        ? { task: Number(sample.id.slice(1)) < 50 ? 'labels' : 'photos' }
        : {}),
      source: `${i}`,
    }));
    const { tasks } = diagnosisMeasures(samples, predictions, { seed: 1 });
    const at = (task: string) => tasks![task]!['image_heavy/misleading_text']!;
    expect(Object.keys(tasks!)).toEqual(['labels', 'photos']);
    expect(Object.keys(tasks!.photos!)).toEqual(['image_heavy/misleading_text']);
    expect(at('photos')).toMatchObject({ n: 40, changeRate: 1, drop: { n: 40, drop: 1 } });
    expect(at('labels')).toMatchObject({ n: 50, changeRate: 0, drop: { n: 50, drop: 0 } });
    expect(diagnosisMeasures(samplesOf(predictions), predictions, { seed: 1 }).tasks).toBeUndefined();
  });
});

describe('worst case and competency', () => {
  it('takes the worst perturbation of each sample, and multiplies over the kinds', () => {
    const predictions = [
      ...condition(100, 90, 10, 'misleading_text'),
      ...Array.from({ length: 100 }, (_, i) => prediction(`s${i}`, 'helpful_text', false)),
      ...Array.from({ length: 50 }, (_, i) => prediction(`t${i}`, 'origin', true, 'text_heavy')),
      ...Array.from({ length: 50 }, (_, i) => prediction(`t${i}`, 'full_black', i < 40, 'text_heavy')),
      ...Array.from({ length: 40 }, (_, i) => prediction(`v${i}`, 'origin', i < 30, 'vqa')),
    ];
    const measures = diagnosisMeasures(samplesOf(predictions), predictions, { seed: 1 });
    expect(DiagnosisMeasures.parse(measures)).toEqual(measures);
    expect(measures.worst).toMatchObject({
      image_heavy: { share: 0.8, n: 100, conditions: 1, leftOut: 0 },
      text_heavy: { share: 0.8, n: 50, conditions: 1, leftOut: 0 },
      vqa: { share: 0.75, n: 40, conditions: 0, leftOut: 0 },
    });
    const { share, ci95 } = measures.competency!;
    expect(share).toBeCloseTo(0.48, 12);
    expect(ci95[0]).toBeLessThan(0.48);
    expect(ci95[1]).toBeGreaterThan(0.48);
  });

  // A photo of a wrong option fits some samples alone: 20 more are asked that one condition and stand it.
  const halfAsked = [
    ...condition(40, 40, 30, 'full_black').map((p) => ({ ...p, taskKind: 'text_heavy' as const })),
    ...Array.from({ length: 30 }, (_, i) =>
      ['origin', 'switch_target'].map((name) => prediction(`s${i + 10}`, name, true, 'text_heavy')),
    )
      .flat()
      .filter(({ id, perturbation }) => perturbation !== 'origin' || Number(id.slice(1)) >= 40),
  ];

  it('counts the samples that were asked every condition, and says how many were not', () => {
    // Of s10 to s39, which were asked everything, the black picture leaves none right: s0 to s9 alone stand it.
    const { worst } = diagnosisMeasures(samplesOf(halfAsked), halfAsked, { seed: 1 });
    expect(worst.text_heavy).toMatchObject({ share: 0, n: 30, conditions: 2, leftOut: 10 });
  });

  it('asks of a sample what its own task is asked', () => {
    const tasked = samplesOf(halfAsked).map((sample) => ({
      ...sample,
      task: Number(sample.id.slice(1)) < 10 ? 'invoices' : 'claims',
    }));
    const { worst } = diagnosisMeasures(tasked, halfAsked, { seed: 1 });
    expect(worst.text_heavy).toMatchObject({ share: 0.25, n: 40, conditions: 2, leftOut: 0 });
  });

  it('gives no worst case where no sample was asked everything', () => {
    const apart = [
      prediction('s0', 'origin', true),
      prediction('s0', 'ocr_text', true),
      prediction('s1', 'origin', true),
      prediction('s1', 'misleading_text', true),
    ];
    expect(diagnosisMeasures(samplesOf(apart), apart, { seed: 1 }).worst).toEqual({});
  });
});

describe('samples without labels', () => {
  const open = condition(50, 40, 20, 'misleading_text').map((p) => ({ ...p, answer: null }));

  it('still have changes and divergences, but no accuracy, drop or calibration', () => {
    const found = diagnosisFigures(open)['image_heavy/misleading_text']!;
    expect(found).toMatchObject({ accuracy: null, ci95: null, changeRate: 0.4 });
    const { conditions, competency, letters } = diagnosisMeasures(samplesOf(open), open, { seed: 1 });
    expect(conditions['image_heavy/misleading_text']).toMatchObject({ ece: null, drop: null });
    expect(conditions['image_heavy/misleading_text']!.js).toBeGreaterThan(0.05);
    expect(competency).toBeNull();
    expect(letters.answers).toBeNull();
    expect(() => labelledFigures('image_heavy/origin', found)).toThrow(/label some of them/);
  });
});

describe('calibration', () => {
  it.each(reference.calibration)('agrees with NumPy: $ece', ({ probabilities, answers, ece }) => {
    const predictions = probabilities.map((p, i) => ({
      ...prediction(`${i}`, 'origin', true),
      answer: answers[i]!,
      predicted: p.indexOf(Math.max(...p)),
      probabilities: p,
    }));
    expect(calibrationError(predictions)).toBeCloseTo(ece, 9);
  });
});

describe('letter bias', () => {
  it('is the share of answers that would have to move', () => {
    const random = new Random(1, 'letters');
    const predictions = Array.from({ length: 400 }, (_, i) => ({
      ...prediction(`${i}`, 'origin', true),
      answer: random.int(4),
    }));
    const { bias, answers } = letterBias(predictions);
    expect(answers!.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect(bias).toBeCloseTo(1 - answers![0]!, 12);
  });

  it('without labels compares with an even spread over each sample’s options', () => {
    const two = { ...prediction('a', 'origin', true), answer: null, probabilities: [0.9, 0.1] };
    expect(letterBias([two, { ...two, id: 'b' }])).toMatchObject({ answers: null, bias: 0.5 });
  });
});
