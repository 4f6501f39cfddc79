import { TaskKind } from '../../schemas/benchmark.ts';
import type { OpenFigures } from '../../schemas/diagnosis.ts';
import type { PilotFigures, TrackRecord } from '../../schemas/estimate.ts';
import type { ScoredPrediction } from '../../schemas/report.ts';
import { twoSided } from '../statistics/normal.ts';
import { forecastAccuracy } from './curve.ts';
import { evenWeights, pilotCurve, weightedAccuracy } from './gain.ts';

const z = twoSided(0.95);

/**
 * What a pilot predicts for a training of `steps`, beside what that training reached: accuracy under perturbation by task
 * kind, every perturbation alike. The interval holds the sampling error of the measurement itself too. Kinds without a
 * curve or labels are left out.
 */
export function scorePilot(
  pilot: PilotFigures,
  steps: number,
  after: Record<string, OpenFigures>,
): ScoredPrediction[] {
  return [TaskKind.ImageHeavy, TaskKind.TextHeavy].flatMap((taskKind): ScoredPrediction[] => {
    const weights = evenWeights(pilot.points[0]!.figures, taskKind, pilot.rightHints);
    const measured = weightedAccuracy(after, weights);
    const curve = measured && pilotCurve(pilot, weights);
    if (!measured || !curve) return [];
    const { ci95, value: predicted } = forecastAccuracy(curve, steps);
    const noise = z * measured.standardError;
    const interval: [number, number] = [
      Math.max(0, predicted - Math.hypot(predicted - ci95[0], noise)),
      Math.min(1, predicted + Math.hypot(ci95[1] - predicted, noise)),
    ];
    const actual = measured.accuracy;
    const covered = interval[0] <= actual && actual <= interval[1];
    return [{ taskKind, steps, predicted, ci95: interval, actual, error: actual - predicted, covered }];
  });
}

/** How good earlier predictions were. */
export function trackRecord(scores: readonly ScoredPrediction[]): TrackRecord {
  const count = scores.length;
  if (count === 0) return { count, coverage: null, meanAbsoluteError: null };
  return {
    count,
    coverage: scores.filter(({ covered }) => covered).length / count,
    meanAbsoluteError: scores.reduce((sum, { error }) => sum + Math.abs(error), 0) / count,
  };
}
