import { accuracyAt, type Curve, fitCurve, forecastAccuracy, forecastGain } from '../diagnosis/index.ts';
import { Random } from '../random/index.ts';

/** Learning curves that pilots are simulated on, and the trainings of a pilot; both beginning with no step at all. */
const truths: Readonly<Record<string, Curve>> = {
  power: { form: 'power', plateau: 0.95, span: 0.5, rate: 0.6 },
  'slow power': { form: 'power', plateau: 0.9, span: 0.4, rate: 0.3 },
  exponential: { form: 'exponential', plateau: 0.9, span: 0.5, rate: 0.05 },
  'soon flat': { form: 'exponential', plateau: 0.95, span: 0.3, rate: 0.2 },
};
const pilots: readonly (readonly number[])[] = [
  [0, 10, 20, 40],
  [0, 5, 10, 20, 40],
  [0, 10, 20, 30, 40],
];
const standardError = 0.02;
const [longest, beyond] = [40, 150];

export interface CurveCoverage {
  name: string;
  /** Share of the pilots whose 95 % interval held the truth, by what was forecast. */
  coverage: Record<'at the longest' | 'beyond' | 'gain beyond', number>;
}

/**
 * How often the intervals of learning curves hold the truth, over `count` simulated pilots for each curve and plan. `spread`: standard
 * deviation by which trainings of one length differ, of which the standard errors know nothing.
 */
export function curveCoverage(count: number, spread = 0): CurveCoverage[] {
  return pilots.flatMap((steps) =>
    Object.entries(truths).map(([name, truth]) => {
      const random = new Random(1, 'simulated pilots', name, ...steps);
      const held = { 'at the longest': 0, beyond: 0, 'gain beyond': 0 };
      for (let i = 0; i < count; i++) {
        const fitted = fitCurve(
          steps.map((n) => ({
            steps: n,
            accuracy:
              accuracyAt(truth, n) + Math.hypot(standardError, n === 0 ? 0 : spread) * random.normal(),
            standardError,
          })),
        )!;
        const far = accuracyAt(truth, beyond);
        const holds = ({ ci95: [low, high] }: { ci95: [number, number] }, value: number) =>
          Number(low <= value && value <= high) / count;
        held['at the longest'] += holds(forecastAccuracy(fitted, longest), accuracyAt(truth, longest));
        held.beyond += holds(forecastAccuracy(fitted, beyond), far);
        held['gain beyond'] += holds(forecastGain(fitted, beyond), far - accuracyAt(truth, 0));
      }
      return { name: `pilot of ${steps.slice(1).join(', ')} steps, ${name}`, coverage: held };
    }),
  );
}
