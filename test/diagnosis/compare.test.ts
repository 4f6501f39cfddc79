import { describe, expect, it } from 'vitest';
import { compareDiagnoses, type Diagnosed, evidenceOfLog, judgeGates } from '../../diagnosis/index.ts';
import { GateRule } from '../../schemas/gate.ts';
import type { SampleLogRow } from '../../schemas/sample-log.ts';

const options = ['a lion', 'a boat'];

function row(i: number, perturbation: string, predicted: number | null, more: Partial<SampleLogRow> = {}) {
  const probabilities = predicted === null ? [] : predicted === 0 ? [0.8, 0.2] : [0.3, 0.7];
  const one: SampleLogRow = {
    ...{ id: `s${i}`, task: 'image_heavy', kind: 'image_heavy', source: `photo ${i}`, perturbation },
    ...{ template: '', family: null, position: null, options, answer: 0, hinted: null, hintedOption: null },
    ...{
      cleanPredicted: 0,
      predicted,
      cleanOutcome: 'answered',
      outcome: predicted === null ? 'refused' : 'answered',
    },
    ...{ cleanProbabilities: [0.8, 0.2], probabilities, cleanConfidence: 0.8, confidence: null },
    ...{ changed: predicted === null ? null : predicted !== 0, talkedOut: null, brightness: null },
    ...{ textLength: 20, textWords: 4 },
  };
  return { ...one, ...more };
}

/** `wrong`: how many of n answers are wrong under the text. */
function diagnosed(name: string, wrong: number, more: Partial<Diagnosed> = {}, n = 200): Diagnosed {
  const log = Array.from({ length: n }, (_, i) => [
    row(i, 'origin', 0),
    row(i, 'misleading_text', i < wrong ? 1 : 0),
  ]).flat();
  return { name, seed: 7, log, ...more };
}

const of = (earlier: number, later: number) => {
  const { conditions, verdict } = compareDiagnoses(diagnosed('before', earlier), diagnosed('now', later));
  return { verdict, text: conditions.find(({ condition }) => condition.endsWith('misleading_text'))! };
};

describe('two diagnoses that asked the same', () => {
  it('are compared answer by answer', () => {
    const { text, verdict } = of(20, 60);
    expect(verdict).toBe('worse');
    expect(text).toMatchObject({ finding: 'worse', n: 200, otherAnswers: 0.2 });
    const { accuracy, changed } = text;
    expect(accuracy).toMatchObject({ earlier: 0.9, later: 0.7 });
    expect(accuracy!.difference).toBeCloseTo(-0.2);
    // Forty pairs differ, all to the worse: Tango's interval lies about 20 points, and McNemar's exact p is 2^-39.
    expect(accuracy!.ci95[0]).toBeGreaterThan(-0.27);
    expect(accuracy!.ci95[1]).toBeLessThan(-0.14);
    expect(accuracy!.pValue).toBeLessThan(1e-8);
    expect(changed!.earlier).toBeCloseTo(0.1);
    expect(changed!.difference).toBeCloseTo(0.2);
    expect(changed!.ci95[0]).toBeGreaterThan(0.14);
  });

  it('show a gain, no loss, and what the data leave open', () => {
    expect(of(60, 20)).toMatchObject({ verdict: 'not_worse', text: { finding: 'better' } });
    expect(of(20, 20)).toMatchObject({ verdict: 'not_worse', text: { finding: 'not_worse' } });
    expect(Object.is(of(20, 20).text.accuracy!.difference, -0)).toBe(false);
    expect(of(20, 26)).toMatchObject({ verdict: 'undecided', text: { finding: 'undecided' } });
  });

  it('are held to a limit by rules on dropAgainstEarlier', () => {
    const rule = (atMost: number) =>
      GateRule.parse({ name: 'r', condition: 'image_heavy/*', figure: 'dropAgainstEarlier', atMost });
    const verdict = (later: number, atMost: number) => {
      const [before, now] = [diagnosed('before', 20), diagnosed('now', later)];
      return judgeGates(evidenceOfLog(now, { pgd: [], endpoint: null }, before), [rule(atMost)]);
    };
    expect(verdict(60, 0.05)).toMatchObject({
      verdict: 'fail',
      gates: [{ condition: 'image_heavy/misleading_text', value: 0.2 }],
    });
    expect(verdict(60, 0.05).gates[0]!.reason).toMatch(
      /^accuracy lost since the earlier diagnosis under image_heavy\/misleading_text: 20\.0 points on 200 samples/,
    );
    expect(verdict(20, 0.05).verdict).toBe('pass');
    expect(verdict(60, 0.3).verdict).toBe('pass');
  });

  it('are compared without neutral texts that are others, as those of another model are', () => {
    const withControl = (name: string, textLength: number, wrong: number): Diagnosed => {
      const log = diagnosed(name, 20).log.concat(
        Array.from({ length: 200 }, (_, i) =>
          row(i, 'misleading_text_control', i < wrong ? 1 : 0, { textLength }),
        ),
      );
      return { name, seed: 7, log };
    };
    const before = withControl('before', 60, 0);
    const same = compareDiagnoses(before, withControl('now', 60, 90));
    expect(same).toMatchObject({ verdict: 'worse', notCompared: [] });
    const now = withControl('now', 64, 90);
    const other = compareDiagnoses(before, now);
    const control = 'image_heavy/misleading_text_control';
    expect(other.verdict).toBe('not_worse');
    expect(other.conditions.map(({ condition }) => condition)).not.toContain(control);
    expect(other.notCompared).toEqual([{ condition: control, why: expect.stringMatching(/neutral text/) }]);
    const rule = GateRule.parse({
      name: 'r',
      condition: control,
      figure: 'dropAgainstEarlier',
      atMost: 0.05,
    });
    const judged = (later: Diagnosed) =>
      judgeGates(evidenceOfLog(later, { pgd: [], endpoint: null }, before), [rule]).verdict;
    expect(judged(withControl('now', 60, 90))).toBe('fail');
    expect(judged(now)).toBe('inconclusive');
  });

  it.each<[string, Partial<Diagnosed>, RegExp]>([
    ['another seed', { seed: 8 }, /before and now did not ask the same questions: the seed is 7 and 8/],
    [
      'another condition',
      { log: [...diagnosed('', 0).log, row(0, 'ocr_text', 0)] },
      /image_heavy\/ocr_text is in now alone/,
    ],
    ['fewer samples', { log: diagnosed('', 0, {}, 100).log }, /200 questions are in one of them alone/],
    [
      'other options',
      { log: diagnosed('', 0).log.map((one) => ({ ...one, options: ['a lion', 'a car'] })) },
      /image_heavy\/origin\/s0 was another question: its options were a lion, a boat, and are a lion, a car/,
    ],
    [
      'another text',
      {
        log: diagnosed('', 0).log.map((one) =>
          one.perturbation === 'origin' ? one : { ...one, template: 'new' },
        ),
      },
      /image_heavy\/misleading_text\/s0 was another question: its perturbation was made by "", and is by "new"/,
    ],
    [
      'a longer text',
      { log: diagnosed('', 0).log.map((one) => ({ ...one, textLength: 31 })) },
      /image_heavy\/origin\/s0 was another question: its text had 20 characters, and has 31/,
    ],
    [
      'another label',
      { log: diagnosed('', 0).log.map((one) => ({ ...one, answer: one.id === 's3' ? null : one.answer })) },
      /image_heavy\/origin\/s3 was another question: its label was 0, and is none/,
    ],
  ])('and are refused where they did not: %s', (_, more, message) => {
    expect(() => compareDiagnoses(diagnosed('before', 0), diagnosed('now', 0, more))).toThrow(message);
  });
});
