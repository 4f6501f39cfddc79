import { Random } from '../../random/index.ts';
import { quantile } from '../statistics/bootstrap.ts';

/** Accuracy after `steps` of training, with its standard error. */
export interface CurvePoint {
  steps: number;
  accuracy: number;
  standardError: number;
}

/** How the gap to the plateau closes: (1 + n)^-c or e^(-c n). */
export type CurveForm = 'power' | 'exponential';

/** accuracy(n) = plateau - span * decay(n), with 0 <= span and 0 <= plateau <= 1. */
export interface Curve {
  form: CurveForm;
  plateau: number;
  span: number;
  rate: number;
}

export interface FittedCurve {
  curve: Curve;
  /** The fit and its resamples, from which every interval comes. */
  resamples: Curve[];
}

export interface Forecast {
  value: number;
  ci95: [number, number];
}

const parameters = 3;
/** With fewer nothing is left to see a misfit by. */
export const leastPoints = parameters + 1;
const resampleCount = 400;
/** A standard error below this is no knowledge but a lack of spread in few samples. */
const smallestError = 1e-3;
const gridSize = 60;

function decay(form: CurveForm, rate: number, steps: number): number {
  return form === 'power' ? (1 + steps) ** -rate : Math.exp(-rate * steps);
}

export function accuracyAt({ form, plateau, rate, span }: Curve, steps: number): number {
  return plateau - span * decay(form, rate, steps);
}

/** One way to decay at the points' steps, with the sums of the weighted least squares that no accuracy enters. */
interface Basis {
  form: CurveForm;
  rate: number;
  decays: number[];
  sum: number;
  squares: number;
}

/** Rates with which the curve neither ends before the first point nor stays straight over the last. */
function ratesOf(form: CurveForm, steps: readonly number[]): number[] {
  const trained = steps.filter((count) => count > 0);
  const [low, high] = form === 'power' ? [0.05, 4] : [0.2 / Math.max(...trained), 4 / Math.min(...trained)];
  return Array.from({ length: gridSize }, (_, i) => low * (high / low) ** (i / (gridSize - 1)));
}

function basesOf(steps: readonly number[], weights: readonly number[]): Basis[] {
  return (['power', 'exponential'] as const).flatMap((form) =>
    ratesOf(form, steps).map((rate) => {
      const decays = steps.map((count) => decay(form, rate, count));
      return {
        form,
        rate,
        decays,
        sum: decays.reduce((sum, d, i) => sum + weights[i]! * d, 0),
        squares: decays.reduce((sum, d, i) => sum + weights[i]! * d * d, 0),
      };
    }),
  );
}

/** The curve with the least weighted squares: plateau and span solved, rate and form by search (same parameters). */
function best(accuracies: readonly number[], weights: readonly number[], bases: readonly Basis[]) {
  const total = weights.reduce((sum, w) => sum + w, 0);
  const y = accuracies.reduce((sum, accuracy, i) => sum + weights[i]! * accuracy, 0);
  let found: { curve: Curve; loss: number } | null = null;
  for (const { decays, form, rate, squares, sum } of bases) {
    const product = decays.reduce((all, d, i) => all + weights[i]! * d * accuracies[i]!, 0);
    const determinant = total * squares - sum * sum;
    let span = determinant > 1e-12 * total * squares ? (sum * y - total * product) / determinant : 0;
    let plateau = (y + span * sum) / total;
    if (span < 0) [span, plateau] = [0, y / total];
    if (plateau > 1) [plateau, span] = [1, Math.max(0, (sum - product) / squares)];
    plateau = Math.min(1, Math.max(0, plateau));
    let loss = 0;
    for (let i = 0; i < decays.length; i++)
      loss += weights[i]! * (accuracies[i]! - plateau + span * decays[i]!) ** 2;
    if (found === null || loss < found.loss) found = { curve: { form, plateau, span, rate }, loss };
  }
  return found!;
}

/**
 * Fits a learning curve to accuracies after growing trainings. Null: fewer than `leastPoints` different step counts.
 * Where the points lie further from the curve than their errors explain, the errors are widened (Birge's ratio): then
 * trainings vary too. Intervals come from a parametric bootstrap in which the form is chosen anew each time.
 */
export function fitCurve(measured: readonly CurvePoint[], seed: number): FittedCurve | null {
  if (new Set(measured.map(({ steps }) => steps)).size < leastPoints) return null;
  const errors = measured.map(({ standardError }) => Math.max(smallestError, standardError));
  const weights = errors.map((error) => 1 / error ** 2);
  const steps = measured.map((point) => point.steps);
  const bases = basesOf(steps, weights);
  const accuracies = measured.map(({ accuracy }) => accuracy);
  const { curve, loss } = best(accuracies, weights, bases);
  const widening = Math.sqrt(Math.max(1, loss / (measured.length - parameters)));
  const random = new Random(seed, 'learning curve', measured.length);
  const resamples = Array.from({ length: resampleCount }, () => {
    const drawn = steps.map((count, i) => accuracyAt(curve, count) + widening * errors[i]! * random.normal());
    return best(drawn, weights, bases).curve;
  });
  return { curve, resamples };
}

function forecast({ curve, resamples }: FittedCurve, of: (curve: Curve) => number): Forecast {
  const sorted = resamples.map(of).sort((a, b) => a - b);
  const value = of(curve);
  const [low, high] = [quantile(sorted, 0.025), quantile(sorted, 0.975)];
  return { value, ci95: [Math.min(low, value), Math.max(high, value)] };
}

/** Accuracy after `steps`. */
export const forecastAccuracy = (fitted: FittedCurve, steps: number): Forecast =>
  forecast(fitted, (curve) => accuracyAt(curve, steps));

/** Accuracy after `steps` minus accuracy without training. */
export const forecastGain = (fitted: FittedCurve, steps: number): Forecast =>
  forecast(fitted, (curve) => accuracyAt(curve, steps) - accuracyAt(curve, 0));
