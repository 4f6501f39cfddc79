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

function simulated(truth: Curve, standardError: number, random: Random | null) {
  return steps.map((count) => ({
    steps: count,
    accuracy: accuracyAt(truth, count) + (random ? standardError * random.normal() : 0),
    standardError,
  }));
}

describe('a learning curve', () => {
  it.each(Object.entries(truths))('is found again without noise: %s', (_, truth) => {
    const fitted = fitCurve(simulated(truth, 0.002, null), 1)!;
    for (const count of [0, 5, 10, 40, 80])
      expect(forecastAccuracy(fitted, count).value).toBeCloseTo(accuracyAt(truth, count), 1.9);
    expect(forecastGain(fitted, 40).value).toBeCloseTo(accuracyAt(truth, 40) - accuracyAt(truth, 0), 2);
  });

  // 150 trials: a true coverage of 95 % gives at least 90 % in all but 1 of 100 cases; the forms at hand reach 93 to 100.
  it.each(Object.entries(truths))(
    'has intervals that hold the truth, also beyond the pilot: %s',
    (_, truth) => {
      const random = new Random(1, 'coverage of curves');
      const trials = 150;
      const held = { within: 0, beyond: 0, gain: 0 };
      for (let trial = 0; trial < trials; trial++) {
        const fitted = fitCurve(simulated(truth, 0.02, random), trial)!;
        const holds = ({ ci95: [low, high] }: { ci95: [number, number] }, value: number) =>
          Number(low <= value && value <= high);
        held.within += holds(forecastAccuracy(fitted, 40), accuracyAt(truth, 40));
        held.beyond += holds(forecastAccuracy(fitted, 150), accuracyAt(truth, 150));
        held.gain += holds(forecastGain(fitted, 150), accuracyAt(truth, 150) - accuracyAt(truth, 0));
      }
      for (const [what, count] of Object.entries(held))
        expect(count / trials, `${what}: ${count} of ${trials}`).toBeGreaterThanOrEqual(0.9);
    },
  );

  it('promises nothing where nothing was learnt', () => {
    const flat = steps.map((count) => ({ steps: count, accuracy: 0.7, standardError: 0.02 }));
    const { ci95, value } = forecastGain(fitCurve(flat, 1)!, 150);
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
    const { ci95, value } = forecastAccuracy(fitCurve(steep, 1)!, 1000);
    expect(value).toBeLessThanOrEqual(1);
    expect(ci95[1]).toBeLessThanOrEqual(1);
  });

  it('needs four different lengths of training, and gives the same for the same seed', () => {
    const points = simulated(truths.power!, 0.02, new Random(2, 'points'));
    expect(fitCurve(points.slice(1), 1)).toBeNull();
    expect(fitCurve([...points.slice(1), points[3]!], 1)).toBeNull();
    expect(fitCurve(points, 1)).toEqual(fitCurve(points, 1));
  });

  it('is less sure of itself where points lie off the curve', () => {
    const width = (bend: number) => {
      const points = simulated(truths.power!, 0.01, null);
      points[2]!.accuracy -= bend;
      const [low, high] = forecastAccuracy(fitCurve(points, 1)!, 40).ci95;
      return high - low;
    };
    expect(width(0.1)).toBeGreaterThan(2 * width(0));
  });
});
