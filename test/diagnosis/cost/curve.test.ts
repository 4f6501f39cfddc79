import { describe, expect, it } from 'vitest';
import {
  accuracyAt,
  type Curve,
  fitCurve,
  forecastAccuracy,
  forecastGain,
} from '../../../diagnosis/cost/curve.ts';
import { Random } from '../../../random/index.ts';

const truths: Record<string, Curve> = {
  power: { form: 'power', plateau: 0.95, span: 0.5, rate: 0.6 },
  'slow power': { form: 'power', plateau: 0.9, span: 0.4, rate: 0.3 },
  exponential: { form: 'exponential', plateau: 0.9, span: 0.5, rate: 0.05 },
  'soon flat': { form: 'exponential', plateau: 0.95, span: 0.3, rate: 0.2 },
};
const steps = [0, 10, 20, 40];
const longer = [0, 5, 10, 20, 40];

function simulated(truth: Curve, standardError: number, random: Random | null, lengths = steps) {
  return lengths.map((count) => ({
    steps: count,
    accuracy: accuracyAt(truth, count) + (random ? standardError * random.normal() : 0),
    standardError,
  }));
}

describe('a learning curve', () => {
  it.each(Object.entries(truths))('is found again without noise: %s', (_, truth) => {
    const fitted = fitCurve(simulated(truth, 0.002, null))!;
    for (const count of [0, 5, 10, 40, 80])
      expect(forecastAccuracy(fitted, count).value).toBeCloseTo(accuracyAt(truth, count), 1.9);
    expect(forecastGain(fitted, 40).value).toBeCloseTo(accuracyAt(truth, 40) - accuracyAt(truth, 0), 2);
  });

  // 300 trials: a true coverage of 95 % gives at least 92 % in all but 1 of 100 cases; `npm run coverage` measures more of them.
  it.each(Object.entries(truths))(
    'has intervals that hold the truth, also beyond the pilot: %s',
    (_, truth) => {
      const trials = 300;
      for (const lengths of [steps, longer]) {
        const random = new Random(1, 'coverage of curves');
        const held = { within: 0, beyond: 0, gain: 0 };
        for (let trial = 0; trial < trials; trial++) {
          const fitted = fitCurve(simulated(truth, 0.02, random, lengths))!;
          const holds = ({ ci95: [low, high] }: { ci95: [number, number] }, value: number) =>
            Number(low <= value && value <= high);
          held.within += holds(forecastAccuracy(fitted, 40), accuracyAt(truth, 40));
          held.beyond += holds(forecastAccuracy(fitted, 150), accuracyAt(truth, 150));
          held.gain += holds(forecastGain(fitted, 150), accuracyAt(truth, 150) - accuracyAt(truth, 0));
        }
        for (const [what, count] of Object.entries(held))
          expect(count / trials, `${what} of ${lengths}: ${count} of ${trials}`).toBeGreaterThanOrEqual(0.92);
      }
    },
  );

  it('reaches as far as the curves whose loss is likely, found by search', () => {
    const points = simulated(truths.power!, 0.02, new Random(3, 'search'));
    const loss = (curve: Curve) =>
      points.reduce(
        (sum, { accuracy, steps: n }) => sum + ((accuracy - accuracyAt(curve, n)) / 0.02) ** 2,
        0,
      );
    const fitted = fitCurve(points)!;
    const least = loss(fitted.curve);
    const most = least + 3.8415 * Math.max(1, least);
    let [low, high] = [Infinity, -Infinity];
    const random = new Random(4, 'curves');
    for (let i = 0; i < 200_000; i++) {
      const form = random.int(2) === 0 ? 'power' : 'exponential';
      const rate = form === 'power' ? 0.05 * 80 ** random.uniform() : 0.005 * 80 ** random.uniform();
      const curve: Curve = {
        form,
        rate,
        plateau: 0.7 + 0.3 * random.uniform(),
        span: 0.8 * random.uniform(),
      };
      if (loss(curve) > most) continue;
      [low, high] = [Math.min(low, accuracyAt(curve, 150)), Math.max(high, accuracyAt(curve, 150))];
    }
    const { ci95 } = forecastAccuracy(fitted, 150);
    // The search comes close from within.
    expect(ci95[0]).toBeLessThan(low + 0.003);
    expect(ci95[1]).toBeGreaterThan(high - 0.003);
    expect(ci95[0]).toBeGreaterThan(low - 0.02);
    expect(ci95[1]).toBeLessThan(high + 0.02);
  });

  it('promises nothing where nothing was learnt', () => {
    const flat = steps.map((count) => ({ steps: count, accuracy: 0.7, standardError: 0.02 }));
    const { ci95, value } = forecastGain(fitCurve(flat)!, 150);
    expect(value).toBeCloseTo(0, 6);
    expect(ci95[0]).toBeLessThanOrEqual(0);
    expect(ci95[1]).toBeGreaterThan(0.01);
  });

  it('does not promise more than all answers right', () => {
    const steep = steps.map((count) => ({
      steps: count,
      accuracy: 0.5 + count * 0.012,
      standardError: 0.01,
    }));
    const { ci95, value } = forecastAccuracy(fitCurve(steep)!, 1000);
    expect(value).toBeLessThanOrEqual(1);
    expect(ci95[1]).toBeLessThanOrEqual(1);
  });

  it('needs four different lengths of training, and always gives the same', () => {
    const points = simulated(truths.power!, 0.02, new Random(2, 'points'));
    expect(fitCurve(points.slice(1))).toBeNull();
    expect(fitCurve([...points.slice(1), points[3]!])).toBeNull();
    expect(fitCurve(points)).toEqual(fitCurve(points));
  });

  it('is less sure of itself where points lie off the curve', () => {
    const width = (bend: number) => {
      const points = simulated(truths.power!, 0.01, null);
      points[2]!.accuracy -= bend;
      const [low, high] = forecastAccuracy(fitCurve(points)!, 40).ci95;
      return high - low;
    };
    expect(width(0.1)).toBeGreaterThan(2 * width(0));
  });
});
