import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { benjaminiHochberg, holm } from '../../../diagnosis/statistics/adjust.ts';
import { bootstrapInterval, quantile } from '../../../diagnosis/statistics/bootstrap.ts';
import { jsDivergence, klDivergence } from '../../../diagnosis/statistics/divergence.ts';
import { logFactorials } from '../../../diagnosis/statistics/factorials.ts';
import { mcnemarExact } from '../../../diagnosis/statistics/mcnemar.ts';
import { normalQuantile } from '../../../diagnosis/statistics/normal.ts';
import { pairedInterval, pairedPValue, pairsOf } from '../../../diagnosis/statistics/paired.ts';
import { pairsToShow } from '../../../diagnosis/statistics/power.ts';
import { psi, psiOfCategories, psiOfCounts } from '../../../diagnosis/statistics/psi.ts';
import { drawBinomial, resampler } from '../../../diagnosis/statistics/resample.ts';
import { togetherQuantile } from '../../../diagnosis/statistics/together.ts';
import { clusteredWilson, wilson } from '../../../diagnosis/statistics/wilson.ts';
import { Random } from '../../../random/index.ts';

interface Reference {
  wilson: { k: number; n: number; interval: [number, number] }[];
  mcnemar: { a: number; b: number; p: number }[];
  adjusted: { p: number[]; holm: number[]; bh: number[] }[];
  clusteredShare: { right: boolean[]; clusters: string[]; interval: [number, number] }[];
  pairsToShow: { difference: number; discordant: number; pairs: number }[];
  paired: {
    more: number;
    less: number;
    n: number;
    effective: number;
    confidence: number;
    interval: [number, number];
  }[];
  together: { size: number; shared: number; quantile: number }[];
  divergences: { p: number[]; q: number[]; kl: number; js: number }[];
  psi: {
    numbers: { name: string; expected: number[]; actual: number[]; psi: number }[];
    counts: { expected: number[]; actual: number[]; psi: number }[];
  };
  bootstrap: { values: number[]; clusters: string[]; plain: [number, number]; clustered: [number, number] };
  binomial: {
    chances: { n: number; p: number; chances: number[] }[];
    shares: { n: number; hits: number; interval: [number, number] }[];
  };
  quantiles: { values: number[]; levels: number[]; quantiles: number[] };
}

const file = new URL('../../fixtures/statistics/statistics.json', import.meta.url);
const reference = JSON.parse(readFileSync(file, 'utf8')) as Reference;

const near = (actual: number, expected: number, tolerance = 1e-9) =>
  expect(Math.abs(actual - expected), `${actual} against ${expected}`).toBeLessThanOrEqual(tolerance);

describe('figures of SciPy and statsmodels', () => {
  it.each(reference.wilson)('Wilson interval of $k in $n', ({ k, n, interval }) => {
    const [low, high] = wilson(k, n);
    near(low, interval[0]);
    near(high, interval[1]);
  });

  it.each(reference.mcnemar)('McNemar, $a against $b', ({ a, b, p }) => near(mcnemarExact(a, b), p));

  it.each(reference.adjusted)(
    'Holm and Benjamini-Hochberg on $p.length p-values',
    ({ p, holm: byHolm, bh }) => {
      holm(p).forEach((value, i) => {
        near(value, byHolm[i]!);
      });
      benjaminiHochberg(p).forEach((value, i) => {
        near(value, bh[i]!);
      });
    },
  );

  it.each(reference.clusteredShare)('share in clusters', ({ right, clusters, interval }) => {
    const [low, high] = clusteredWilson(right, clusters);
    near(low, interval[0]);
    near(high, interval[1]);
  });

  it.each(reference.pairsToShow)('pairs that show $difference', ({ difference, discordant, pairs }) => {
    expect(pairsToShow(difference, discordant)).toBe(pairs);
  });

  it.each(reference.paired)(
    'paired differences: $more against $less of $n',
    ({ confidence, effective, interval, less, more, n }) => {
      const pairs = { mean: (more - less) / n, discordant: (more + less) / n, effective };
      const [low, high] = pairedInterval(pairs, confidence);
      near(low, interval[0], 1e-6);
      near(high, interval[1], 1e-6);
    },
  );

  it.each(reference.together)(
    'the largest of $size estimates, correlated by $shared',
    ({ quantile: wanted, shared, size }) => {
      // Estimate k moves with the cluster that all have and with one of its own.
      const estimates = Array.from(
        { length: size },
        (_, k) =>
          new Map([
            ['all', Math.sqrt(shared)],
            [`own ${k}`, Math.sqrt(1 - shared)],
          ]),
      );
      // Four standard errors of a quantile of so many draws.
      near(togetherQuantile(estimates, 0.95, 1), wanted, 0.07);
    },
  );

  it.each(reference.divergences)('KL $kl and JS $js', ({ p, q, kl, js }) => {
    near(klDivergence(p, q), kl);
    near(jsDivergence(p, q), js);
  });

  it.each(reference.psi.numbers)('PSI of numbers: $name', ({ expected, actual, psi: value }) =>
    near(psi(expected, actual).value, value),
  );

  it.each(reference.psi.counts)('PSI of counts: $psi', ({ expected, actual, psi: value }) =>
    near(psiOfCounts(expected, actual).value, value),
  );

  it('quantiles', () => {
    const { values, levels, quantiles } = reference.quantiles;
    const sorted = [...values].sort((a, b) => a - b);
    levels.forEach((level, i) => {
      near(quantile(sorted, level), quantiles[i]!, 1e-12);
    });
  });

  it.each(reference.binomial.chances)('binomial draws of $n at $p', ({ n, p, chances }) => {
    const random = new Random(1, 'binomial', n);
    const logs = logFactorials(n);
    const draws = 40_000;
    const found = new Float64Array(n + 1);
    for (let i = 0; i < draws; i++) found[drawBinomial(random, n, p, logs)]! += 1;
    let [statistic, cells] = [0, 0];
    for (const [k, chance] of chances.entries()) {
      if (chance * draws < 5) continue;
      statistic += (found[k]! - chance * draws) ** 2 / (chance * draws);
      cells++;
    }
    // A chi-squared variable is hardly ever four standard deviations above its mean.
    expect(statistic).toBeLessThan(cells + 4 * Math.sqrt(2 * cells));
  });

  it.each(reference.binomial.shares)('bootstrap interval of $hits in $n', ({ n, hits, interval }) => {
    const values = Array.from({ length: n }, (_, i) => Number(i < hits));
    const own = bootstrapInterval(values, { seed: 2, resamples: 40_000 });
    // The share moves in steps of 1/n, and an end may lie on the edge of one.
    for (const end of [0, 1] as const) near(own[end], interval[end], 1 / n + 1e-9);
  });

  it('bootstrap intervals, plain and clustered, to the noise of the resampling', () => {
    const { values, clusters, plain, clustered } = reference.bootstrap;
    const own = bootstrapInterval(values, { seed: 3, resamples: 40_000 });
    const ownClustered = bootstrapInterval(values, { seed: 3, resamples: 40_000, clusters });
    for (const end of [0, 1] as const) {
      // The mean of 150 whole numbers moves in steps of 1/150.
      near(own[end], plain[end], 1 / 150 + 1e-9);
      near(ownClustered[end], clustered[end], 0.003);
    }
  });
});

describe('paired differences', () => {
  const alone = (values: readonly number[]) => values.map((_, i) => `${i}`);

  it('where none differs are those of Wilson for 0', () => {
    const still = new Array<number>(75).fill(0);
    const [low, high] = pairedInterval(pairsOf(still, alone(still)));
    near(high, wilson(0, 75)[1], 1e-12);
    near(low, -high, 1e-12);
    expect(pairedPValue(pairsOf(still, alone(still)))).toBe(1);
  });

  it('mirror, hold what was found, and are wider where a cluster’s move alike', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(-1, 0, 0, 0, 1), { minLength: 2, maxLength: 80 }), (values) => {
        const pairs = pairsOf(values, alone(values));
        const [low, high] = pairedInterval(pairs);
        expect(low).toBeLessThanOrEqual(pairs.mean);
        expect(high).toBeGreaterThanOrEqual(pairs.mean);
        const mirrored = values.map((value) => -value);
        near(pairedInterval(pairsOf(mirrored, alone(values)))[0], -high, 1e-9);
        const tripled = values.flatMap((value) => [value, value, value]);
        const clusters = tripled.map((_, i) => `${Math.floor(i / 3)}`);
        const [from, to] = pairedInterval(pairsOf(tripled, clusters));
        expect(from).toBeLessThanOrEqual(low + 1e-9);
        expect(to).toBeGreaterThanOrEqual(high - 1e-9);
      }),
    );
  });

  it('refuse what is no difference of two answers', () => {
    expect(() => pairsOf([0.5], ['a'])).toThrow('expected differences of 1, 0 or -1');
    expect(() => pairsOf([], [])).toThrow('expected differences');
  });
});

describe('estimates judged together', () => {
  const unrelated = (size: number) => Array.from({ length: size }, (_, k) => new Map([[`cluster ${k}`, 1]]));

  it('ask for one’s own quantile where all are the same, and never for more than Bonferroni', () => {
    const same = Array.from(
      { length: 20 },
      () =>
        new Map([
          ['a', 1],
          ['b', -2],
        ]),
    );
    near(togetherQuantile(same, 0.95, 2), normalQuantile(0.95), 0.06);
    expect(togetherQuantile(unrelated(20), 0.95, 2)).toBeLessThanOrEqual(normalQuantile(1 - 0.05 / 20));
    expect(togetherQuantile(unrelated(1), 0.95, 2)).toBe(normalQuantile(0.95));
    // What never moved shares nothing that is known of.
    expect(togetherQuantile([new Map(), new Map()], 0.95, 2)).toBeGreaterThan(normalQuantile(0.97));
  });

  it('repeat themselves for a seed', () => {
    expect(togetherQuantile(unrelated(5), 0.9, 3)).toBe(togetherQuantile(unrelated(5), 0.9, 3));
  });
});

describe('bootstrap', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    const random = new Random(5, 'values');
    const values = Array.from({ length: 80 }, () => random.normal());
    expect(bootstrapInterval(values, { seed: 1 })).toEqual(bootstrapInterval(values, { seed: 1 }));
    expect(bootstrapInterval(values, { seed: 1 })).not.toEqual(bootstrapInterval(values, { seed: 2 }));
  });

  it('covers the true mean about as often as it says', () => {
    let covered = 0;
    for (let trial = 0; trial < 300; trial++) {
      const random = new Random(trial, 'coverage');
      const values = Array.from({ length: 120 }, () => (random.uniform() < 0.7 ? 1 : 0));
      const [low, high] = bootstrapInterval(values, { seed: trial, resamples: 400 });
      if (low <= 0.7 && 0.7 <= high) covered++;
    }
    // 95 % nominal; four standard errors of 300 trials are 5 points.
    expect(covered / 300).toBeGreaterThan(0.89);
    expect(covered / 300).toBeLessThan(0.995);
  });

  it('draws alike whether clusters come by their number or one by one', () => {
    const random = new Random(4, 'clusters');
    const totals = Array.from({ length: 90 }, () => ({ sum: random.int(3) - 1, count: 1 + random.int(2) }));
    // Nearly the same sums, but all different: then there is nothing to draw by number.
    const different = totals.map(({ count, sum }, i) => ({ count, sum: sum + i * 1e-9 }));
    const momentsOf = (clusters: typeof totals) => {
      const draw = resampler(clusters);
      const means = Array.from({ length: 20_000 }, () => draw(random)).map(({ count, sum }) => sum / count);
      const mean = means.reduce((all, value) => all + value, 0) / means.length;
      const variance = means.reduce((all, value) => all + (value - mean) ** 2, 0) / means.length;
      return { mean, deviation: Math.sqrt(variance) };
    };
    const [byNumber, byOne] = [momentsOf(totals), momentsOf(different)];
    expect(Math.abs(byNumber.mean - byOne.mean)).toBeLessThan(0.05 * byOne.deviation);
    expect(byNumber.deviation / byOne.deviation).toBeGreaterThan(0.97);
    expect(byNumber.deviation / byOne.deviation).toBeLessThan(1.03);
  });

  it('is wider when equal values come in clusters', () => {
    const random = new Random(8, 'clusters');
    const groups = Array.from({ length: 20 }, () => random.int(2));
    const values = groups.flatMap((value) => [value, value, value, value, value]);
    const clusters = groups.flatMap((_, i) => Array.from({ length: 5 }, () => `photo ${i}`));
    const plain = bootstrapInterval(values, { seed: 1 });
    const clustered = bootstrapInterval(values, { seed: 1, clusters });
    expect(clustered[1] - clustered[0]).toBeGreaterThan(1.5 * (plain[1] - plain[0]));
  });

  it('refuses cluster names that do not match the values', () => {
    expect(() => bootstrapInterval([1, 2], { seed: 1, clusters: ['a'] })).toThrow('2 values but 1 cluster');
    expect(() => bootstrapInterval([], { seed: 1 })).toThrow('no values');
  });
});

describe('properties', () => {
  const share = fc
    .integer({ min: 1, max: 3000 })
    .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
  const distribution = fc
    .array(fc.double({ min: 1e-6, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 })
    .map((weights) => weights.map((w) => w / weights.reduce((a, b) => a + b, 0)));

  it('Wilson intervals hold the share, stay in [0, 1] and mirror', () => {
    fc.assert(
      fc.property(share, ([k, n]) => {
        const [low, high] = wilson(k, n);
        const [mirroredLow, mirroredHigh] = wilson(n - k, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(k / n);
        expect(high).toBeGreaterThanOrEqual(k / n);
        near(low, 1 - mirroredHigh, 1e-12);
        near(high, 1 - mirroredLow, 1e-12);
      }),
    );
  });

  it('a share in clusters of one is Wilson’s, and equal answers in a cluster count once', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 2, maxLength: 60 }), (right) => {
        const hits = right.filter(Boolean).length;
        const alone = clusteredWilson(
          right,
          right.map((_, i) => `${i}`),
        );
        const [low, high] = wilson(hits, right.length);
        near(alone[0], low);
        near(alone[1], high);
        const tripled = right.flatMap((hit) => [hit, hit, hit]);
        const [from, to] = clusteredWilson(
          tripled,
          tripled.map((_, i) => `${Math.floor(i / 3)}`),
        );
        // The robust variance's correction for few clusters widens it a little.
        expect(from).toBeLessThanOrEqual(low + 1e-9);
        expect(to).toBeGreaterThanOrEqual(high - 1e-9);
        expect(from).toBeGreaterThan(low - 0.2);
      }),
    );
  });

  it('adjusted p-values never fall below the given ones, and keep their order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }), (p) => {
        const [strict, lenient] = [holm(p), benjaminiHochberg(p)];
        for (const [i, value] of p.entries()) {
          expect(lenient[i]).toBeGreaterThanOrEqual(value);
          expect(strict[i]).toBeGreaterThanOrEqual(lenient[i]! - 1e-12);
          expect(strict[i]).toBeLessThanOrEqual(1);
        }
        const order = p.map((_, i) => i).sort((a, b) => p[a]! - p[b]!);
        for (let i = 1; i < order.length; i++)
          expect(strict[order[i]!]).toBeGreaterThanOrEqual(strict[order[i - 1]!]!);
      }),
    );
  });

  it('refuses what is no p-value and no difference', () => {
    expect(() => holm([0.1, Number.NaN])).toThrow('NaN');
    expect(() => pairsToShow(0, 0.1)).toThrow('0 of 0.1');
  });

  it('McNemar is symmetric, a probability, and falls as the split grows more uneven', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(400), (a, b) => {
        const p = mcnemarExact(a, b);
        expect(p).toBe(mcnemarExact(b, a));
        expect(p).toBeGreaterThan(0);
        expect(p).toBeLessThanOrEqual(1);
        if (a > b && b > 0) expect(mcnemarExact(a + 1, b - 1)).toBeLessThan(p);
      }),
    );
  });

  it('KL and JS are 0 only for equal distributions; JS is symmetric and at most ln 2', () => {
    fc.assert(
      fc.property(distribution, distribution, (p, q) => {
        expect(klDivergence(p, p)).toBe(0);
        expect(klDivergence(p, q)).toBeGreaterThanOrEqual(0);
        near(jsDivergence(p, q), jsDivergence(q, p), 1e-15);
        expect(jsDivergence(p, q)).toBeLessThanOrEqual(Math.LN2 + 1e-12);
      }),
    );
  });

  it('a floor keeps KL finite', () => {
    expect(klDivergence([0.5, 0.5], [1, 0])).toBe(Number.POSITIVE_INFINITY);
    expect(klDivergence([0.5, 0.5], [1, 0], 1e-8)).toBeCloseTo(
      0.5 * Math.log(0.5) + 0.5 * Math.log(0.5e8),
      6,
    );
  });
});

describe('PSI', () => {
  it('is 0 for the same values, in any order', () => {
    const values = Array.from({ length: 200 }, (_, i) => Math.sin(i));
    expect(psi(values, values.toReversed()).value).toBe(0);
  });

  it('notices that a constant moved, to either side', () => {
    const constant = new Array<number>(100).fill(0.5);
    for (const moved of [0.2, 0.8]) {
      expect(psi(constant, new Array<number>(100).fill(moved)).value).toBeGreaterThan(5);
    }
  });

  it('says how much chance alone gives', () => {
    const random = new Random(1, 'psi');
    const normal = (n: number) => Array.from({ length: n }, () => random.normal());
    const values = Array.from({ length: 200 }, () => psi(normal(400), normal(400)));
    const mean = values.reduce((total, p) => total + p.value, 0) / values.length;
    // First order, and the half counts pull towards 0.
    expect(mean / values[0]!.byChance).toBeGreaterThan(0.7);
    expect(mean / values[0]!.byChance).toBeLessThan(1.3);
  });

  it('counts a category that is new', () => {
    const before = Array.from({ length: 90 }, (_, i) => ['a', 'b', 'c'][i % 3]!);
    const after = before.map((name) => (name === 'c' ? 'd' : name));
    expect(psiOfCategories(before, before).value).toBe(0);
    const result = psiOfCategories(before, after);
    expect(result.bins).toBe(4);
    expect(result.value).toBeGreaterThan(1);
  });

  it('refuses an empty side', () => {
    expect(() => psi([], [1])).toThrow('at least one value');
    expect(() => psiOfCounts([0, 0], [1, 2])).toThrow('at least one value');
  });
});
