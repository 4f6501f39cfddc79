import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, overallVerdict, pairedComparison } from '../../diagnosis/index.ts';
import { PairedFigures } from '../../schemas/report.ts';

/** Answers of champion and challenger from counts of the four kinds of pairs, evenly mixed. */
function pairs(counts: { both: number; championOnly: number; challengerOnly: number; neither: number }) {
  const kinds = [
    ...new Array<[boolean, boolean]>(counts.both).fill([true, true]),
    ...new Array<[boolean, boolean]>(counts.championOnly).fill([true, false]),
    ...new Array<[boolean, boolean]>(counts.challengerOnly).fill([false, true]),
    ...new Array<[boolean, boolean]>(counts.neither).fill([false, false]),
  ];
  return { champion: kinds.map(([a]) => a), challenger: kinds.map(([, b]) => b) };
}

const compare = (counts: Parameters<typeof pairs>[0], margin: number) =>
  pairedComparison({ name: 'VQA accuracy', ...pairs(counts), margin });

describe('verdicts', () => {
  it('passes a clear gain', () => {
    const result = compare({ both: 180, championOnly: 10, challengerOnly: 310, neither: 100 }, 0);
    expect(result).toMatchObject({ n: 600, verdict: 'pass', championOnly: 10, challengerOnly: 310 });
    expect(result.difference).toBeCloseTo(0.5, 12);
    expect(result.pValue).toBeLessThan(1e-9);
    expect(result.reason).toMatch(
      /^VQA accuracy rose from 31\.7 % to 81\.7 % on 600 requests: at least a gain of 4\d\.\d points .* no fall is accepted\.$/,
    );
    expect(PairedFigures.parse(result)).toEqual(result);
  });

  it('passes a small fall inside the margin', () => {
    const result = compare({ both: 520, championOnly: 20, challengerOnly: 15, neither: 45 }, 0.04);
    expect(result.verdict).toBe('pass');
    expect(result.reason).toMatch(
      /fell from 90\.0 % to 89\.2 % .* at worst a fall of \d\.\d points with 97\.5 % confidence, and a fall of 4\.0 points is accepted/,
    );
  });

  it('fails a clear fall', () => {
    const result = compare({ both: 400, championOnly: 140, challengerOnly: 10, neither: 50 }, 0.04);
    expect(result.verdict).toBe('fail');
    expect(result.reason).toMatch(
      /at best a fall of 1\d\.\d points .* but only a fall of 4\.0 points is accepted/,
    );
  });

  it('cannot decide on a fall near the margin', () => {
    const result = compare({ both: 500, championOnly: 40, challengerOnly: 18, neither: 42 }, 0.04);
    expect(result.verdict).toBe('inconclusive');
    expect(result.reason).toMatch(/more requests or a person must decide/);
  });

  it('cannot decide on few or no requests, however good they look', () => {
    const few = compare({ both: 0, championOnly: 0, challengerOnly: 20, neither: 0 }, 0);
    expect(few.verdict).toBe('inconclusive');
    expect(few.reason).toMatch(/only 20 comparable requests, at least 30/);
    const none = compare({ both: 0, championOnly: 0, challengerOnly: 0, neither: 0 }, 0);
    expect(PairedFigures.parse(none)).toMatchObject({
      n: 0,
      ci95: [-1, 1],
      pValue: 1,
      verdict: 'inconclusive',
    });
  });

  it('takes agreement on few requests for what it is: they could still differ on the next ones', () => {
    const agreed = (n: number) =>
      compare({ both: n - 10, championOnly: 0, challengerOnly: 0, neither: 10 }, 0.04);
    // At 30 requests that agree, a tenth of all could still differ.
    const few = agreed(30);
    expect(few).toMatchObject({ verdict: 'inconclusive', difference: 0, pValue: 1 });
    expect(few.limits!.lower).toBeLessThan(-0.1);
    expect(agreed(100)).toMatchObject({
      verdict: 'pass',
      reason: expect.stringMatching(/stayed at 90\.0 %/),
    });
  });

  it('passes and fails by the limits alone', () => {
    expect(judge({ lower: -0.04, upper: 0.1 }, 0.04)).toBe('pass');
    expect(judge({ lower: -0.09, upper: -0.041 }, 0.04)).toBe('fail');
    // Worse than the champion for sure, but not for sure by more than is accepted.
    expect(judge({ lower: -0.09, upper: -0.03 }, 0.04)).toBe('inconclusive');
  });

  it('takes the errors that it is given, one for each verdict, and says them', () => {
    const counts = { both: 520, championOnly: 20, challengerOnly: 15, neither: 45 };
    const input = { name: 'x', ...pairs(counts), margin: 0.01 };
    const { limits, reason } = pairedComparison({ ...input, errors: { pass: 0.025 / 6, fail: 0.025 / 18 } });
    const usual = pairedComparison(input);
    expect(limits!.lower).toBeLessThan(usual.limits!.lower);
    expect(limits!.upper).toBeGreaterThan(usual.limits!.upper);
    expect([usual.limits!.lower, usual.limits!.upper]).toEqual(usual.ci95);
    expect(reason).toMatch(/at worst .* \(99\.58 % confidence\), at best .* \(99\.86 % confidence\)/);
  });

  it('lets requests of one source tell less than as many of different ones', () => {
    const { champion, challenger } = pairs({ both: 100, championOnly: 20, challengerOnly: 30, neither: 50 });
    const input = { name: 'x', champion, challenger, margin: 0 };
    const sources = champion.map((_, i) => `photo ${Math.floor(i / 10)}`);
    const width = ({ ci95 }: { ci95: [number, number] }) => ci95[1] - ci95[0];
    expect(width(pairedComparison({ ...input, sources }))).toBeGreaterThan(
      1.5 * width(pairedComparison(input)),
    );
  });

  it('refuses what does not match', () => {
    const input = { name: 'VQA', champion: [true], challenger: [], margin: 0 };
    expect(() => pairedComparison(input)).toThrow('VQA: 1 answers of the champion, 0 of the challenger');
    expect(() => pairedComparison({ ...input, challenger: [true], margin: 4 })).toThrow('margin is 4');
  });
});

describe('several comparisons', () => {
  const pass = compare({ both: 180, championOnly: 0, challengerOnly: 20, neither: 0 }, 0);
  const fail = compare({ both: 100, championOnly: 90, challengerOnly: 0, neither: 10 }, 0);
  const open = compare({ both: 5, championOnly: 0, challengerOnly: 0, neither: 0 }, 0);

  it('fails if one fails, waits if one is open, passes if all pass', () => {
    expect(overallVerdict([pass, pass]).verdict).toBe('pass');
    expect(overallVerdict([pass, open])).toEqual({ verdict: 'inconclusive', reason: open.reason });
    expect(overallVerdict([open, fail, pass])).toEqual({ verdict: 'fail', reason: fail.reason });
    expect(overallVerdict([]).verdict).toBe('inconclusive');
  });
});

describe('properties', () => {
  const answers = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 30, maxLength: 120 });
  const rank = { fail: 0, inconclusive: 1, pass: 2 };
  const run = (rows: [boolean, boolean][], margin: number) =>
    pairedComparison({
      name: 'x',
      champion: rows.map(([a]) => a),
      challenger: rows.map(([, b]) => b),
      margin,
    });

  it('holds the difference inside its interval, within the schema, the same each time', () => {
    fc.assert(
      fc.property(answers, fc.double({ min: 0, max: 0.3, noNaN: true }), (rows, margin) => {
        const result = run(rows, margin);
        PairedFigures.parse(result);
        expect(result.ci95[0]).toBeLessThanOrEqual(result.difference + 1e-12);
        expect(result.ci95[1]).toBeGreaterThanOrEqual(result.difference - 1e-12);
        expect(result.difference).toBeCloseTo(result.challengerAccuracy - result.championAccuracy, 12);
        expect(run(rows, margin)).toEqual(result);
      }),
      { numRuns: 60 },
    );
  });

  it('never gets stricter as the margin grows', () => {
    fc.assert(
      fc.property(answers, fc.double({ min: 0, max: 0.2, noNaN: true }), (rows, margin) => {
        expect(rank[run(rows, margin + 0.1).verdict]).toBeGreaterThanOrEqual(rank[run(rows, margin).verdict]);
      }),
      { numRuns: 60 },
    );
  });

  it('never passes both of two models that disagree by more than chance, each against the other', () => {
    fc.assert(
      fc.property(answers, (rows) => {
        const swapped = rows.map(([a, b]): [boolean, boolean] => [b, a]);
        const verdicts = [run(rows, 0).verdict, run(swapped, 0).verdict];
        if (run(rows, 0).pValue < 0.01) expect(verdicts).not.toEqual(['pass', 'pass']);
      }),
      { numRuns: 60 },
    );
  });

  it('a better answer never worsens the verdict', () => {
    fc.assert(
      fc.property(answers, fc.nat(), (rows, pick) => {
        const i = pick % rows.length;
        const better = rows.map((row, k): [boolean, boolean] => (k === i ? [row[0], true] : row));
        expect(rank[run(better, 0.05).verdict]).toBeGreaterThanOrEqual(rank[run(rows, 0.05).verdict]);
      }),
      { numRuns: 60 },
    );
  });
});
