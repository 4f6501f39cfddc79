import { twoSided } from '../statistics/normal.ts';

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

/** Plateau and span of a curve whose way to decay is given. */
type Shape = readonly [plateau: number, span: number];

/** The curves of one way to decay that the points allow: an ellipse of plateaus and spans within those that are possible. */
interface Allowed {
  form: CurveForm;
  rate: number;
  centre: Shape;
  /** How far the loss may rise from the centre, and the inverse of its curvature (plateau, both, span). */
  room: number;
  inverse: readonly [number, number, number];
  /** Where the ellipse ends at the edges of what is possible. */
  ends: readonly Shape[];
}

export interface FittedCurve {
  curve: Curve;
  /** Every interval holds what these curves reach. */
  allowed: readonly Allowed[];
}

export interface Forecast {
  value: number;
  ci95: [number, number];
}

const parameters = 3;
/** With fewer nothing is left to see a misfit by. */
export const leastPoints = parameters + 1;
/** A standard error below this is no knowledge but a lack of spread in few samples. */
const smallestError = 1e-3;
const gridSize = 60;
/** The 95 % quantile of chi-squared with one degree of freedom. */
const likelyLoss = twoSided(0.95) ** 2;

function decay(form: CurveForm, rate: number, steps: number): number {
  return form === 'power' ? (1 + steps) ** -rate : Math.exp(-rate * steps);
}

export function accuracyAt({ form, plateau, rate, span }: Curve, steps: number): number {
  return plateau - span * decay(form, rate, steps);
}

/** Rates with which the curve neither ends before the first point nor stays straight over the last. */
function ratesOf(form: CurveForm, steps: readonly number[]): number[] {
  const trained = steps.filter((count) => count > 0);
  const [low, high] = form === 'power' ? [0.05, 4] : [0.2 / Math.max(...trained), 4 / Math.min(...trained)];
  return Array.from({ length: gridSize }, (_, i) => low * (high / low) ** (i / (gridSize - 1)));
}

const possible = ([plateau, span]: Shape) => span >= 0 && plateau >= 0 && plateau <= 1;
const nearest = ([plateau, span]: Shape): Shape => [Math.min(1, Math.max(0, plateau)), Math.max(0, span)];

/** The points under one way to decay: the loss is a parabola over plateau and span. */
class Basis {
  readonly form: CurveForm;
  readonly rate: number;
  private readonly points: readonly { weight: number; decay: number; accuracy: number }[];
  /** Sums over the points of their weights times 1, decay, decay squared, accuracy, and both. */
  private readonly sums: { one: number; d: number; dd: number; y: number; dy: number };

  constructor(form: CurveForm, rate: number, measured: readonly CurvePoint[]) {
    this.form = form;
    this.rate = rate;
    const points = measured.map(({ accuracy, standardError, steps }) => ({
      weight: 1 / Math.max(smallestError, standardError) ** 2,
      decay: decay(form, rate, steps),
      accuracy,
    }));
    const sum = (of: (point: (typeof points)[number]) => number) =>
      points.reduce((all, point) => all + point.weight * of(point), 0);
    this.points = points;
    this.sums = {
      one: sum(() => 1),
      d: sum((point) => point.decay),
      dd: sum((point) => point.decay ** 2),
      y: sum((point) => point.accuracy),
      dy: sum((point) => point.decay * point.accuracy),
    };
  }

  loss([plateau, span]: Shape): number {
    return this.points.reduce(
      (all, point) => all + point.weight * (point.accuracy - plateau + span * point.decay) ** 2,
      0,
    );
  }

  private get determinant(): number {
    return this.sums.one * this.sums.dd - this.sums.d ** 2;
  }

  /** The least loss of all, also where no curve may be. */
  private get centre(): Shape {
    const { d, dd, dy, one, y } = this.sums;
    return [(y * dd - d * dy) / this.determinant, (d * y - one * dy) / this.determinant];
  }

  /** Edges of what is possible: the shape at a place on one, the place of its least loss, and how steeply that rises. */
  private get edges() {
    const { d, dd, dy, one, y } = this.sums;
    const flat = { at: (plateau: number): Shape => [plateau, 0], least: y / one, rise: one };
    const fixed = [0, 1].map((plateau) => ({
      at: (span: number): Shape => [plateau, span],
      least: (plateau * d - dy) / dd,
      rise: dd,
    }));
    return [flat, ...fixed];
  }

  /** The possible shape with the least loss. */
  best(): Shape {
    if (possible(this.centre)) return this.centre;
    const shapes = this.edges.map(({ at, least }) => nearest(at(least)));
    return shapes.reduce((a, b) => (this.loss(b) < this.loss(a) ? b : a));
  }

  /** The possible shapes whose loss is `most` at most; null: there is none. */
  allowed(most: number): Allowed | null {
    const { centre, determinant, form, rate } = this;
    const { d, dd, one } = this.sums;
    const room = most - this.loss(centre);
    if (room < 0) return null;
    const ends = this.edges.flatMap(({ at, least, rise }) => {
      const left = most - this.loss(at(least));
      const reach = left < 0 ? [] : [-1, 1].map((side) => least + side * Math.sqrt(left / rise));
      return reach
        .map((place) => nearest(at(place)))
        .filter((shape) => this.loss(shape) <= most * (1 + 1e-9));
    });
    const inverse = [dd / determinant, d / determinant, one / determinant] as const;
    return { form, rate, centre, room, inverse, ends };
  }
}

/**
 * Fits a learning curve to accuracies after growing trainings. Null: fewer than `leastPoints` different step counts.
 * Where the points lie further from the curve than their errors explain, the errors are widened (Birge's ratio): then
 * trainings vary too. Intervals are those of the profile likelihood: what all curves reach, of either form, whose weighted squares
 * are no more than the 95 % quantile of chi-squared above the least. Source: Venzon and Moolgavkar 1988.
 */
export function fitCurve(measured: readonly CurvePoint[]): FittedCurve | null {
  const steps = measured.map((point) => point.steps);
  if (new Set(steps).size < leastPoints) return null;
  const bases = (['power', 'exponential'] as const).flatMap((form) =>
    ratesOf(form, steps).map((rate) => new Basis(form, rate, measured)),
  );
  const fits = bases.map((basis) => ({ basis, shape: basis.best(), loss: basis.loss(basis.best()) }));
  const { basis, loss, shape } = fits.reduce((a, b) => (b.loss < a.loss ? b : a));
  const widening = Math.max(1, loss / (measured.length - parameters));
  const most = loss + likelyLoss * widening;
  const [plateau, span] = shape;
  return {
    curve: { form: basis.form, rate: basis.rate, plateau, span },
    allowed: bases.flatMap((one) => one.allowed(most) ?? []),
  };
}

/** What is forecast, as a sum of plateau and span, by the way to decay. */
type Linear = (form: CurveForm, rate: number) => Shape;

function forecast({ allowed, curve }: FittedCurve, of: Linear): Forecast {
  const [a, b] = of(curve.form, curve.rate);
  const value = a * curve.plateau + b * curve.span;
  const reached = allowed.flatMap(({ centre, ends, form, inverse: [pp, ps, ss], rate, room }) => {
    const [p, s] = of(form, rate);
    // The extremes on the ellipse, where they are possible; else they lie on an edge.
    const along: Shape = [pp * p + ps * s, ps * p + ss * s];
    const length = Math.sqrt(room / (p * along[0] + s * along[1]));
    const tips = [-length, length].map((t): Shape => [centre[0] + t * along[0], centre[1] + t * along[1]]);
    return [...tips.filter(possible), ...ends].map(([plateau, span]) => p * plateau + s * span);
  });
  const all = [value, ...reached.filter(Number.isFinite)];
  return { value, ci95: [Math.min(...all), Math.max(...all)] };
}

/** Accuracy after `steps`. */
export const forecastAccuracy = (fitted: FittedCurve, steps: number): Forecast =>
  forecast(fitted, (form, rate) => [1, -decay(form, rate, steps)]);

/** Accuracy after `steps` minus accuracy without training. */
export const forecastGain = (fitted: FittedCurve, steps: number): Forecast =>
  forecast(fitted, (form, rate) => [0, 1 - decay(form, rate, steps)]);
