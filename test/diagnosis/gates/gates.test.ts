import { describe, expect, it } from 'vitest';
import { attackPoint, defaultRules, judgeGates, wilson } from '../../../diagnosis/index.ts';
import { clusteredWilson } from '../../../diagnosis/statistics/wilson.ts';
import { GateFile, GateRule } from '../../../schemas/gate.ts';
import type { AttackPoint } from '../../../schemas/report.ts';
import { condition, evidence, prediction } from '../answers.ts';

const misled = {
  name: 'misleading text',
  condition: 'image_heavy/misleading_text',
  figure: 'drop',
  atMost: 0.05,
};

/** 400 samples a condition of which misleading text takes `lost`. */
const losing = (lost: number, n = 400) => [
  ...condition(n, 0, 'origin'),
  ...condition(n, lost, 'misleading_text'),
];

const one = (rule: object, ...given: Parameters<typeof evidence>) =>
  judgeGates(evidence(...given), [GateRule.parse(rule)]).gates[0]!;

describe('a rule on the drop', () => {
  it('fails where the whole interval costs more than it may, and says so in points', () => {
    const gate = one(misled, losing(80));
    expect(gate).toMatchObject({ verdict: 'fail', value: 0.2, n: 400, limit: 'atMost', threshold: 0.05 });
    expect(gate.interval![0]).toBeGreaterThan(0.05);
    expect(gate.reason).toMatch(
      /20\.0 points on 400 samples, .* with 95 % confidence; at most 5\.0 points asked/,
    );
  });

  it('passes where the whole interval keeps to it', () => {
    expect(one(misled, losing(4)).verdict).toBe('pass');
  });

  it('says the bound that its verdict rests on, and how many samples would decide', () => {
    expect(one(misled, losing(4)).reason).toBe(
      'accuracy lost under image_heavy/misleading_text: 1.0 points on 400 samples, at most 2.2 points with 95 % confidence; at most 5.0 points asked.',
    );
    expect(one(misled, losing(80)).reason).toMatch(
      /20\.0 points on 400 samples, at least \S+ points with 95 %/,
    );
    const open = one(misled, losing(14));
    expect(open.reason).toMatch(/at least .* at most .* the data do not decide \(about \d+ samples would/);
    const needed = Number(/about (\d+) samples/.exec(open.reason)![1]);
    expect(one(misled, losing(Math.round(0.035 * 0.7 * needed), Math.round(0.7 * needed))).verdict).toBe(
      'inconclusive',
    );
    expect(one(misled, losing(Math.round(0.035 * 1.3 * needed), Math.round(1.3 * needed))).verdict).toBe(
      'pass',
    );
    // A figure at the limit is decided by no number of samples.
    expect(one(misled, losing(20)).reason).toContain('do not decide, which');
  });

  it('is open where the interval holds the limit, and then does what it was told', () => {
    expect(one(misled, losing(20)).verdict).toBe('inconclusive');
    expect(one({ ...misled, onNotEnoughData: 'fail' }, losing(20)).verdict).toBe('fail');
    expect(one({ ...misled, onNotEnoughData: 'pass' }, losing(20)).verdict).toBe('pass');
  });

  it('decides nothing with too few samples, however bad they look', () => {
    expect(one(misled, losing(20, 20))).toMatchObject({ verdict: 'inconclusive', n: 20 });
    expect(one({ ...misled, minimumSamples: 20 }, losing(20, 20)).verdict).toBe('fail');
    const taken = one({ ...misled, onNotEnoughData: 'pass' }, losing(20, 20));
    expect(taken.verdict).toBe('pass');
    expect(taken.reason).toMatch(/fewer than 30 samples decide nothing, which the rule takes for "pass"\.$/);
  });

  it('does not take 30 samples that did not move for proof', () => {
    const gate = one(misled, losing(0, 30));
    expect(gate.verdict).toBe('inconclusive');
    // One-sided: the upper end of a 90 % interval is a bound with 95 % confidence.
    expect(gate.interval![1]).toBeCloseTo(wilson(0, 30, 0.9)[1], 12);
    expect(one(misled, losing(0, 52)).verdict).toBe('pass');
    expect(one(misled, losing(0, 51)).verdict).toBe('inconclusive');
    expect(one(misled, losing(0, 100)).verdict).toBe('pass');
  });

  it('asks for more where samples share their source', () => {
    const four = (id: string) => `photo ${Math.floor(Number(id.split(' ')[1]) / 10)}`;
    const width = (sourceOf?: (id: string) => string) => {
      const [low, high] = one(misled, losing(80), [], sourceOf).interval!;
      return high - low;
    };
    expect(width(four)).toBeGreaterThan(2 * width());
  });
});

describe('a rule on the drop against the neutral control', () => {
  const controlled = (lost: number, toLength: number) => [
    ...losing(lost),
    ...condition(400, toLength, 'misleading_text_control'),
  ];
  const beyond = { ...misled, figure: 'dropAgainstControl' };

  it('counts what is lost beyond the length', () => {
    expect(one(beyond, controlled(80, 0))).toMatchObject({ verdict: 'fail', value: 0.2, n: 400 });
    expect(one(beyond, controlled(80, 80))).toMatchObject({ verdict: 'pass', value: 0 });
    expect(one(beyond, controlled(80, 0)).reason).toMatch(
      /against neutral text of the same length .*20\.0 points on \d+ samples, at least [\d.]+ points with/,
    );
  });

  it('has the conditions that have a control, and patterns mean no control', () => {
    const predictions = [...controlled(80, 40), ...condition(400, 0, 'ocr_text')];
    const found = (rule: object) => one(rule, predictions).findings.map(({ condition }) => condition);
    expect(found({ ...beyond, condition: '*' })).toEqual(['image_heavy/misleading_text']);
    expect(found({ ...misled, condition: '*' })).toEqual([
      'image_heavy/misleading_text',
      'image_heavy/ocr_text',
    ]);
    const accuracy = { name: 'a', figure: 'accuracy', atLeast: 0.1 };
    expect(found({ ...accuracy, condition: '*' })).not.toContain('image_heavy/misleading_text_control');
    expect(found({ ...accuracy, condition: '*_control' })).toEqual(['image_heavy/misleading_text_control']);
    expect(() => one(beyond, losing(80))).toThrow(/no condition/);
  });

  it('is among the built-in rules where controls were measured, and leaves nothing open by itself', () => {
    const rules = (predictions: Parameters<typeof evidence>[0]) => defaultRules(evidence(predictions));
    expect(rules(losing(80)).map(({ figure }) => figure)).toEqual(['drop']);
    expect(rules(controlled(80, 0)).map(({ figure }) => figure)).toEqual(['drop', 'dropAgainstControl']);
    const verdict = (lost: number, toLength: number) =>
      judgeGates(evidence(controlled(lost, toLength)), rules(controlled(lost, toLength))).gates.map(
        (gate) => gate.verdict,
      );
    expect(verdict(80, 80)).toEqual(['fail', 'pass']);
    expect(verdict(80, 0)).toEqual(['fail', 'fail']);
    expect(verdict(20, 0)).toEqual(['inconclusive', 'pass']);
  });
});

describe('a rule over several conditions', () => {
  const both = (lost: number) => [
    ...losing(2),
    ...condition(400, lost, 'ocr_text'),
    ...condition(400, 200, 'helpful_text'),
  ];
  const any = { ...misled, condition: 'image_heavy/*' };

  it('fails with the worst of them and names it; a right hint is none of them', () => {
    const gate = one(any, both(100));
    expect(gate).toMatchObject({ verdict: 'fail', condition: 'image_heavy/ocr_text', rule: 'image_heavy/*' });
    expect(gate.findings.map(({ condition: name, verdict }) => [name, verdict])).toEqual([
      ['image_heavy/misleading_text', 'pass'],
      ['image_heavy/ocr_text', 'fail'],
    ]);
  });

  it('asks more of a failure the more conditions there are, and no more of a pass', () => {
    const alone = one(misled, losing(40)).interval!;
    const several = one(any, [...losing(40), ...condition(400, 0, 'ocr_text')]).findings[0]!.interval!;
    expect(several[0]).toBeLessThan(alone[0]);
    expect(several[1]).toBe(alone[1]);
    const surer = one({ ...misled, confidence: 0.975 }, losing(40)).interval!;
    expect(several[0]).toBeGreaterThanOrEqual(surer[0]);
    expect(surer[1]).toBeGreaterThan(alone[1]);
  });

  it('asks no more of a failure for conditions under which the same samples fall', () => {
    const alone = one(misled, losing(40)).interval!;
    const twice = one(any, [...losing(40), ...condition(400, 40, 'ocr_text')]).findings[0]!.interval!;
    expect(twice[0]).toBeCloseTo(alone[0], 2);
    const other = one(any, [...losing(40), ...condition(400, 0, 'ocr_text')]).findings[0]!.interval!;
    expect(alone[0] - other[0]).toBeGreaterThan(3 * Math.abs(alone[0] - twice[0]));
  });

  it('asks for what the limit is on: the least where it is "at least"', () => {
    const rule = {
      ...misled,
      figure: 'accuracy',
      condition: 'image_heavy/*',
      atMost: undefined,
      atLeast: 0.8,
    };
    const predictions = [...losing(40), ...condition(400, 0, 'ocr_text')];
    const [low, high] = one(rule, predictions).findings.find((f) => f.condition === misled.condition)!
      .interval!;
    expect(low).toBeCloseTo(wilson(360, 400, 0.9)[0], 12);
    expect(high).toBeGreaterThan(wilson(360, 400, 0.9)[1]);
    expect(one(rule, predictions).verdict).toBe('pass');
    expect(one({ ...rule, atLeast: 0.95 }, predictions).verdict).toBe('fail');
  });

  it('takes scenarios of packs, whose names have a slash', () => {
    const predictions = [...condition(100, 0, 'origin'), ...condition(100, 60, 'claims/wrong-order')];
    expect(one({ ...misled, condition: 'image_heavy/claims/*' }, predictions)).toMatchObject({
      verdict: 'fail',
      condition: 'image_heavy/claims/wrong-order',
    });
  });

  it('is a mistake where it means none, and the message lists what there is', () => {
    expect(() => one({ ...misled, condition: 'image_heavy/misleading' }, losing(4))).toThrow(
      /gate "misleading text": no condition .* "image_heavy\/misleading"; there are: image_heavy\/origin, image_heavy\/misleading_text/,
    );
  });
});

describe('the other figures', () => {
  const name = 'rule';
  const misleading = 'image_heavy/misleading_text';

  it.each([
    [{ figure: 'accuracy', condition: misleading, atLeast: 0.9 }, 'fail', 0.75],
    [{ figure: 'accuracy', condition: 'image_heavy/origin', atLeast: 0.9 }, 'pass', 1],
    [{ figure: 'changeRate', condition: misleading, atMost: 0.1 }, 'fail', 0.25],
    [{ figure: 'followed', condition: misleading, atMost: 0.5 }, 'pass', 0.25],
    [{ figure: 'ece', condition: misleading, atMost: 0.2 }, 'pass', 0.05],
    [{ figure: 'worst', condition: 'image_heavy', atLeast: 0.9 }, 'fail', 0.75],
  ])('%o: %s', (rule, verdict, value) => {
    const gate = one({ name, ...rule }, losing(100));
    expect(gate.verdict).toBe(verdict);
    expect(gate.value).toBeCloseTo(value, 10);
    expect(gate.interval![0]).toBeLessThanOrEqual(gate.value!);
    expect(gate.interval![1]).toBeGreaterThanOrEqual(gate.value!);
  });

  it('competency needs all three kinds', () => {
    const rule = { name, figure: 'competency', atLeast: 0.5 };
    expect(one(rule, losing(100))).toMatchObject({ verdict: 'inconclusive', value: null });
    const all = [
      ...losing(100),
      ...condition(400, 0, 'origin', 'text_heavy'),
      ...condition(400, 0, 'origin', 'vqa'),
    ];
    expect(one(rule, all)).toMatchObject({ verdict: 'pass', value: 0.75 });
  });

  it('accuracy under attack is read at its strength', () => {
    const point = (eps: number, accuracy: number): AttackPoint => {
      return { taskKind: 'image_heavy', attack: 'pgd', eps, accuracy, changeRate: 0, n: 100 };
    };
    const attacks = [point(0.001, 0.95), point(0.01, 0.3)];
    const rule = { name, figure: 'attackAccuracy', condition: 'image_heavy/pgd', atLeast: 0.8 };
    expect(one({ ...rule, eps: 0.001 }, losing(4), attacks).verdict).toBe('pass');
    expect(one({ ...rule, eps: 0.01 }, losing(4), attacks)).toMatchObject({ verdict: 'fail', eps: 0.01 });
    expect(one({ ...rule, eps: 0.01004 }, losing(4), attacks).verdict).toBe('fail');
    expect(() => one({ ...rule, eps: 0.0102 }, losing(4), attacks)).toThrow(
      /eps 0.0102.*measured: 0.001, 0.01/,
    );
    expect(() => one({ ...rule, eps: 0.1 }, losing(4), attacks)).toThrow(/eps 0.1.*measured: 0.001, 0.01/);
    const relative = attacks.map((one) => ({ ...one, epsRelative: 20 * one.eps }));
    expect(one({ ...rule, epsRelative: 0.02 }, losing(4), relative).verdict).toBe('pass');
    expect(one({ ...rule, epsRelative: 0.2 }, losing(4), relative)).toMatchObject({
      verdict: 'fail',
      epsRelative: 0.2,
      reason: expect.stringContaining("at eps 0.2 of the embeddings' size"),
    });
    expect(() => one({ ...rule, epsRelative: 0.2 }, losing(4), attacks)).toThrow(
      /epsRelative.*measured: none/,
    );
    expect(() => one({ ...rule, eps: 0.01, epsRelative: 0.2 }, losing(4), relative)).toThrow(
      /either eps or epsRelative/,
    );
  });

  it('accuracy under attack counts samples of one source item as what they tell together', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `${i}`);
    const answers = (wrong: number) => ids.map((id, i) => prediction(id, 'origin', i < wrong ? 1 : 0));
    // Ten samples of each of ten photos, which fall together.
    const photos = new Map(ids.map((id, i) => [id, `photo ${Math.floor(i / 10)}`]));
    const settings = { taskKind: 'image_heavy', attack: 'pgd', eps: 0.01 } as const;
    const rule = { name, figure: 'attackAccuracy', condition: 'image_heavy/pgd', eps: 0.01, atLeast: 0.8 };
    const judged = (point: AttackPoint) => one(rule, losing(4), [point]);
    const alone = attackPoint(settings, answers(0), answers(10));
    const together = attackPoint(settings, answers(0), answers(10), { sources: photos });
    expect(alone).toMatchObject({ accuracy: 0.9, n: 100, effective: 100 });
    expect(together.effective).toBeCloseTo(9.09, 1);
    expect(judged(alone)).toMatchObject({ verdict: 'pass', value: 0.9, n: 100 });
    expect(judged(together)).toMatchObject({ verdict: 'inconclusive', value: 0.9, n: 100 });
    const right = answers(10).map(({ answer, predicted }) => answer === predicted);
    expect(judged(together).interval).toEqual(clusteredWilson(right, [...photos.values()], 0.9));
  });

  it('without labels only changes can be measured', () => {
    const unlabelled = losing(100).map((one) => ({ ...one, answer: null }));
    expect(one(misled, unlabelled)).toMatchObject({ verdict: 'inconclusive', value: null, interval: null });
    expect(one({ ...misled, figure: 'changeRate' }, unlabelled).verdict).toBe('fail');
  });
});

describe('all rules together', () => {
  const rules = (...verdicts: number[]) =>
    verdicts.map((atMost, i) => GateRule.parse({ ...misled, name: `rule ${i}`, atMost }));

  it('fail if one does, are open if one is, and pass otherwise', () => {
    const found = evidence(losing(40));
    expect(judgeGates(found, rules(0.5, 0.1, 0.01)).verdict).toBe('fail');
    expect(judgeGates(found, rules(0.5, 0.1)).verdict).toBe('inconclusive');
    expect(judgeGates(found, rules(0.5)).verdict).toBe('pass');
    expect(judgeGates(found, []).verdict).toBe('inconclusive');
  });

  it('fail by chance no more often the more rules there are', () => {
    const found = evidence(losing(40));
    const [alone] = judgeGates(found, rules(0.5)).gates;
    const [among] = judgeGates(found, rules(0.5, 0.4, 0.3, 0.2)).gates;
    expect(among!.interval![0]).toBeLessThan(alone!.interval![0]);
    expect(among!.interval![1]).toBe(alone!.interval![1]);
  });

  it('the built-in ones ask for at most 5 points of what was perturbed, or without labels 10 % of the answers', () => {
    const labelled = losing(4);
    expect(defaultRules({ hints: new Map(), predictions: labelled })).toMatchObject([
      { condition: 'image_heavy/*', figure: 'drop', atMost: 0.05 },
    ]);
    const open = labelled.map((one) => ({ ...one, answer: null }));
    expect(defaultRules({ hints: new Map(), predictions: open })).toMatchObject([
      { figure: 'changeRate', atMost: 0.1 },
    ]);
    const nothing = [prediction('a', 'origin', 0, 'vqa')];
    expect(defaultRules({ hints: new Map(), predictions: nothing })).toEqual([]);
    // A right hint of a pack alone is nothing to be judged.
    const named = [prediction('a', 'origin', 0), prediction('a', 'titles/right', 0)];
    expect(
      defaultRules({ hints: new Map([['titles/right/a', named[1]!.answer!]]), predictions: named }),
    ).toEqual([]);
    expect(defaultRules({ hints: new Map(), predictions: named })).toHaveLength(1);
  });
});

describe('a gate file', () => {
  const refused = (gate: object) => GateFile.safeParse({ gates: [gate] }).error?.issues[0];

  it('takes what is left out from the defaults', () => {
    expect(GateFile.parse({ gates: [misled] }).gates[0]).toEqual({
      ...misled,
      confidence: 0.95,
      minimumSamples: 30,
      onNotEnoughData: 'inconclusive',
    });
  });

  it.each([
    [{ ...misled, atLeast: 0.1 }, 'atMost', /either atMost or atLeast/],
    [{ ...misled, atMost: undefined }, 'atMost', /either atMost or atLeast/],
    [{ ...misled, figure: 'attackAccuracy' }, 'eps', /needs either eps or epsRelative/],
    [{ ...misled, eps: 0.1 }, 'eps', /no other figure takes it/],
    [{ ...misled, atMost: 5 }, 'atMost', /<=1/],
    [{ ...misled, confidence: 95 }, 'confidence', /<1/],
    [{ ...misled, figure: 'dropp' }, 'figure', /Invalid option/],
  ])('%o is refused', (gate, path, message) => {
    const issue = refused(gate)!;
    expect(issue.path.at(-1)).toBe(path);
    expect(issue.message).toMatch(message);
  });

  it('refuses an unknown key, and two rules of one name', () => {
    expect(refused({ ...misled, treshold: 1 })?.message).toMatch(/treshold/);
    expect(GateFile.safeParse({ gates: [misled, misled] }).success).toBe(false);
  });
});
