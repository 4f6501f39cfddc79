import { describe, expect, it } from 'vitest';
import {
  diagnosisFigures,
  diagnosisMeasures,
  judgeGates,
  rulesFor,
  sampleLog,
} from '../../diagnosis/index.ts';
import type { PerturbedSample, Prediction, Unanswered } from '../../schemas/benchmark.ts';
import { GateRule } from '../../schemas/gate.ts';
import { condition, evidence } from './answers.ts';

/** The first so many of a condition left unanswered. */
function without(predictions: readonly Prediction[], count: number, outcome: Unanswered): Prediction[] {
  return predictions.map((prediction, i) =>
    i < count ? { ...prediction, predicted: null, probabilities: [], outcome } : prediction,
  );
}

const clean = condition(100, 0, 'origin');
const misled = condition(100, 10, 'misleading_text');
const samplesOf = (predictions: readonly Prediction[]) => predictions.map(({ id }) => ({ id, source: id }));

describe('what was not answered', () => {
  it('is not right, and has no part in changes and distances', () => {
    // 30 of the 100 have no answer: the 10 that follow the hint, and 20 that are right.
    const predictions = [...clean, ...without(misled, 30, 'filtered')];
    const figures = diagnosisFigures(predictions)['image_heavy/misleading_text']!;
    expect(figures).toMatchObject({
      accuracy: 0.7,
      changeRate: 0,
      n: 100,
      pairs: 70,
      unanswered: { filtered: 30 },
    });
    expect(figures.kl).toBeCloseTo(0, 9);
    const { conditions, letters } = diagnosisMeasures(samplesOf(clean), predictions, { seed: 1 });
    expect(conditions['image_heavy/misleading_text']).toMatchObject({
      js: 0,
      drop: { drop: 0.3, n: 100, unanswered: 30, verdict: 'drop' },
    });
    expect(letters.predicted[0]).toBe(1);
  });

  it('says nothing where all of it is missing, and no absence of loss', () => {
    const nothing = [...without(clean, 100, 'cut_off'), ...without(misled, 100, 'cut_off')];
    const figures = diagnosisFigures(nothing)['image_heavy/misleading_text']!;
    expect(figures).toMatchObject({ accuracy: 0, changeRate: null, pairs: 0, unanswered: { cut_off: 100 } });
    expect(figures.kl).toBeUndefined();
    const measures = diagnosisMeasures(samplesOf(clean), nothing, { seed: 1 });
    expect(measures.conditions['image_heavy/misleading_text']).toEqual({ js: null, ece: null, drop: null });
    expect(measures.letters).toEqual({ predicted: [], answers: null, bias: null });
    // The same samples stay without an answer in both: nothing is lost, and nothing is shown.
    const same = condition(300, 0, 'misleading_text');
    const half = [...without(condition(300, 0, 'origin'), 150, 'unread'), ...without(same, 150, 'unread')];
    const { drop } = diagnosisMeasures(samplesOf(same), half, { seed: 1 }).conditions[
      'image_heavy/misleading_text'
    ]!;
    expect(drop).toMatchObject({ drop: 0, n: 150, unanswered: 150, verdict: 'not_enough_data' });
  });

  it('is neither changed nor talked out in the log', () => {
    const sample = (prediction: Prediction): PerturbedSample => ({
      ...prediction,
      split: 'test',
      question: 'What?',
      options: ['a', 'b', 'c', 'd'],
      context: null,
      image: null,
      source: prediction.id,
      variant: '',
      hinted: null,
    });
    const predictions = [...clean.slice(0, 2), ...without(misled.slice(0, 2), 1, 'refused')];
    const rows = sampleLog(predictions.map(sample), predictions, () => null);
    expect(rows[2]).toMatchObject({
      predicted: null,
      outcome: 'refused',
      cleanOutcome: 'answered',
      confidence: null,
      changed: null,
      talkedOut: null,
    });
    expect(rows[3]).toMatchObject({ predicted: 1, outcome: 'answered', changed: true, talkedOut: true });
  });
});

describe('the rule on what stays unanswered', () => {
  const still = condition(100, 0, 'misleading_text');
  const judged = (missing: number, given?: GateRule[], most?: number) => {
    const found = {
      ...evidence([...clean, ...without(still, missing, 'cut_off')]),
      mostUnanswered: most,
      endpoint: { maxTokens: { tokens: 16, set: true } },
    };
    return judgeGates(found, rulesFor(found, given));
  };

  it('is there where something is missing, and fails above its share', () => {
    expect(judged(0).gates.map(({ figure }) => figure)).toEqual(['drop']);
    expect(judged(2).gates.at(-1)).toMatchObject({ figure: 'unanswered', verdict: 'pass' });
    const { gates, verdict } = judged(3);
    expect(verdict).toBe('fail');
    expect(gates.at(-1)).toMatchObject({
      figure: 'unanswered',
      verdict: 'fail',
      condition: 'image_heavy/misleading_text',
      value: 0.03,
    });
    expect(gates.at(-1)?.reason).toBe(
      '97 of the 100 questions under image_heavy/misleading_text answered, 3.0 % not (3 ended at maxTokens 16 (finish_reason "length") ' +
        'before an option was named: raise "maxTokens" in endpoint.json); at most 2.0 % asked.',
    );
    expect(judged(3, undefined, 0.05).gates.at(-1)?.verdict).toBe('pass');
  });

  it('stands beside no rule that would pass although nothing was measured', () => {
    const silent = (name: string) => without(condition(100, 0, name), 100, 'cut_off');
    const found = evidence([clean, silent('misleading_text'), silent('misleading_text_control')].flat());
    const { gates } = judgeGates(found, rulesFor(found, undefined));
    expect(gates.map(({ figure, verdict }) => [figure, verdict])).toEqual([
      ['drop', 'fail'],
      ['unanswered', 'fail'],
    ]);
  });

  it('looks at each kind as a whole, too', () => {
    const { gates } = judged(5);
    expect(gates.at(-1)?.findings).toContainEqual(
      expect.objectContaining({ condition: 'image_heavy', value: 0.025, verdict: 'fail' }),
    );
  });

  it('gives way to a rule of the file, and other rules do not pass on what is left', () => {
    const own = GateRule.parse({
      name: 'answers',
      figure: 'unanswered',
      condition: 'image_heavy',
      atMost: 0.5,
    });
    const changes = GateRule.parse({ name: 'changes', figure: 'changeRate', atMost: 0.2 });
    const { gates, verdict } = judged(40, [own, changes]);
    expect(gates.map((gate) => gate.verdict)).toEqual(['pass', 'inconclusive']);
    expect(gates[1]?.reason).toMatch(/40 of 100 samples were not answered/);
    expect(verdict).toBe('inconclusive');
  });
});
