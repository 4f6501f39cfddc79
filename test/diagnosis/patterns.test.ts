import { describe, expect, it } from 'vitest';
import { errorPatterns } from '../../diagnosis/index.ts';
import { fisherExcess } from '../../diagnosis/patterns/excess.ts';
import { logFactorials } from '../../diagnosis/statistics/factorials.ts';
import { normalQuantile, upperTail } from '../../diagnosis/statistics/normal.ts';
import { Random } from '../../random/index.ts';
import type { SampleLogRow } from '../../schemas/sample-log.ts';

const scenarios = ['unrelated_text', 'misleading_text', 'ocr_text'];
const templates = ['seems', 'clearly', 'label'];
const classes = ['cat', 'dog', 'car', 'ship'];

type Chance = (
  row: Pick<SampleLogRow, 'perturbation' | 'template' | 'hintedOption' | 'brightness'>,
) => number;

/** A log of `n` samples, each under three scenarios, whose perturbed answers go wrong by `chance`; `alike`: or source by source. */
function logOf(n: number, seed: number, chance: Chance, alike = 0): SampleLogRow[] {
  const random = new Random(seed, 'log');
  return Array.from({ length: n }, (_, i) => i).flatMap((i) => {
    const brightness = random.uniform();
    const cleanConfidence = 0.5 + random.uniform() / 2;
    const source = `photo ${alike ? Math.floor(i / 10) : i}`;
    const bad = alike > 0 && new Random(seed, source).uniform() < alike;
    const answer = random.int(4);
    return scenarios.map((perturbation): SampleLogRow => {
      const hinted = (answer + 1 + random.int(3)) % 4;
      const hintedOption = classes[(hinted + i) % 4]!;
      const template = random.pick(templates);
      const wrong = alike
        ? bad
        : random.uniform() < chance({ perturbation, template, hintedOption, brightness });
      return {
        id: `s${i}`,
        task: 'image_heavy',
        kind: 'image_heavy',
        source,
        perturbation,
        template,
        family: null,
        position: null,
        options: classes,
        answer,
        hinted,
        hintedOption,
        cleanPredicted: answer,
        predicted: wrong ? hinted : answer,
        cleanOutcome: 'answered',
        outcome: 'answered',
        cleanProbabilities: [0.25, 0.25, 0.25, 0.25],
        probabilities: [0.25, 0.25, 0.25, 0.25],
        cleanConfidence,
        confidence: 0.5,
        changed: wrong,
        talkedOut: wrong,
        brightness,
        textLength: 50 + random.int(100),
        textWords: 10 + random.int(20),
      };
    });
  });
}

describe('error patterns', () => {
  it('finds a planted combination of two features, and nothing that adds to it', () => {
    const log = logOf(600, 1, ({ perturbation, template }) =>
      perturbation === 'misleading_text' && template === 'clearly' ? 0.6 : 0.08,
    );
    const { cases, failure, failures, found, patterns, tested } = errorPatterns(log, { seed: 1 });
    expect({ cases, failure }).toEqual({ cases: 1800, failure: 'talked_out' });
    const planted = patterns.find(({ features }) => Object.keys(features).length === 2)!;
    expect(planted.features).toEqual({ scenario: 'misleading_text', template: 'clearly' });
    const own = log.filter((row) => row.perturbation === 'misleading_text' && row.template === 'clearly');
    const wrong = own.filter(({ talkedOut }) => talkedOut);
    expect(planted).toMatchObject({ n: own.length, failures: wrong.length });
    expect(planted.rate).toBeCloseTo(wrong.length / own.length, 12);
    expect(planted.lift).toBeCloseTo(planted.rate / (failures / cases), 12);
    expect(planted.covered).toBeCloseTo(wrong.length / failures, 12);
    expect(planted.pAdjusted).toBeLessThan(1e-10);
    expect(planted.examples).toHaveLength(3);
    for (const id of planted.examples) expect(wrong.map((row) => row.id)).toContain(id);
    // Beside the combination only its two parts: each alone fails more often than the rest, too.
    expect(patterns.map(({ features }) => Object.keys(features).join())).toEqual(
      expect.arrayContaining(['scenario', 'template', 'scenario,template']),
    );
    expect(found).toBeLessThanOrEqual(4);
    expect(tested).toBeGreaterThan(300);
  });

  it('finds three features together, and the class that is hinted at', () => {
    const dark = logOf(1200, 2, ({ brightness, hintedOption, template }) =>
      brightness! < 0.25 && template === 'label' && hintedOption === 'ship' ? 0.9 : 0.05,
    );
    const { patterns } = errorPatterns(dark, { seed: 1 });
    const three = patterns.filter(({ features }) => Object.keys(features).length === 3);
    expect(
      three.map(({ features }) => ({ template: features.template, hintedClass: features.hintedClass })),
    ).toEqual([{ template: 'label', hintedClass: 'ship' }]);
    expect(three[0]!.features.brightness).toMatch(/^0\.00 to 0\.2\d$/);
  });

  it('finds texts of many words', () => {
    const log = logOf(600, 7, () => 0.05).map((row, i) => {
      const wrong = row.textWords >= 25 ? i % 2 === 0 : row.talkedOut === true;
      return { ...row, talkedOut: wrong, changed: wrong };
    });
    const [first] = errorPatterns(log, { seed: 1 }).patterns;
    expect(Object.keys(first!.features)).toEqual(['textWords']);
    expect(first!.features.textWords).toMatch(/^2\d to 29 words$/);
  });

  it('names equal sets of cases once', () => {
    const log = logOf(300, 3, ({ perturbation }) => (perturbation === 'ocr_text' ? 0.5 : 0.05)).map(
      (row) => ({
        ...row,
        template: `template of ${row.perturbation}`,
      }),
    );
    const { patterns } = errorPatterns(log, { seed: 1 });
    expect(patterns[0]!.features).toEqual({ scenario: 'ocr_text' });
    expect(patterns.flatMap(({ features }) => Object.keys(features))).not.toContain('template');
  });

  it('finds something in no more than about one of twenty logs of pure noise', () => {
    const logs = Array.from({ length: 60 }, (_, seed) => logOf(150, 100 + seed, () => 0.2));
    const withFindings = logs.filter((log) => errorPatterns(log, { seed: 1 }).found > 0).length;
    // Of 60 logs 3 are expected at most; 8 or more would have a probability of 1 %.
    expect(withFindings).toBeLessThan(8);
  });

  it('is not misled by photos whose samples all go wrong together', () => {
    const logs = Array.from({ length: 30 }, (_, seed) => logOf(200, 500 + seed, () => 0, 0.3));
    const withFindings = logs.filter((log) => errorPatterns(log, { seed: 1 }).found > 0).length;
    expect(withFindings).toBeLessThan(6);
  });

  it('looks at changed answers where there are no labels', () => {
    const log = logOf(200, 4, ({ template }) => (template === 'seems' ? 0.7 : 0.1)).map((row) => ({
      ...row,
      answer: null,
      talkedOut: null,
    }));
    const { failure, patterns } = errorPatterns(log, { seed: 1 });
    expect(failure).toBe('changed');
    expect(patterns[0]!.features).toEqual({ template: 'seems' });
  });

  it('takes right hints of a pack for no cases', () => {
    const log = logOf(200, 6, ({ perturbation }) => (perturbation === 'ocr_text' ? 0.7 : 0.1));
    const named = log.map((row) => ({ ...row, perturbation: `titles/${row.perturbation}` }));
    const right = named.map((row) =>
      row.perturbation === 'titles/ocr_text' ? { ...row, hinted: row.answer } : row,
    );
    expect(errorPatterns(named, { seed: 1 }).patterns[0]!.features).toEqual({ scenario: 'titles/ocr_text' });
    expect(errorPatterns(right, { seed: 1 })).toMatchObject({ cases: 400, found: 0 });
  });

  it('has nothing to say where nothing or everything fails', () => {
    for (const chance of [0, 1])
      expect(
        errorPatterns(
          logOf(50, 5, () => chance),
          { seed: 1 },
        ),
      ).toMatchObject({ found: 0, patterns: [] });
    expect(errorPatterns([], { seed: 1 })).toMatchObject({ cases: 0, failures: 0 });
  });
});

describe('the tests behind them', () => {
  it("Fisher's, one-sided, agrees with SciPy's fisher_exact(alternative='greater')", () => {
    const logs = logFactorials(500);
    const p = (partFailed: number, part: number, allFailed: number, all: number) =>
      fisherExcess({ partFailed, part, allFailed, all }, logs);
    expect(p(8, 10, 12, 40)).toBeCloseTo(0.0002280818719448501, 12);
    expect(p(30, 60, 90, 400)).toBeCloseTo(2.7241933727534985e-7, 12);
    expect(p(0, 10, 12, 40)).toBeCloseTo(1, 12);
  });

  it("the normal distribution agrees with SciPy's", () => {
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 13);
    expect(normalQuantile(1e-12)).toBeCloseTo(-7.034483825301131, 12);
    expect(upperTail(1.2) / 0.11506967022170822).toBeCloseTo(1, 12);
    expect(upperTail(2.6) / 0.004661188023718747).toBeCloseTo(1, 12);
    expect(upperTail(8) / 6.22096057427174e-16).toBeCloseTo(1, 12);
    expect(upperTail(-1.2)).toBeCloseTo(1 - upperTail(1.2), 14);
  });
});
