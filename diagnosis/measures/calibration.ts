import type { Prediction } from '../../schemas/benchmark.ts';

const bins = 15;

/**
 * Expected calibration error: the mean distance between confidence (the largest probability) and accuracy over
 * bins of equal width in confidence, weighted by the bins' sizes; null where no answered prediction has a label.
 * Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
 */
export function calibrationError(predictions: readonly Prediction[]): number | null {
  const gaps = new Float64Array(bins);
  let n = 0;
  for (const { answer, predicted, probabilities } of predictions) {
    if (answer === null || predicted === null) continue;
    const confidence = Math.max(...probabilities);
    // Bins are closed on the right, so that a confidence of 1 lies in the last one.
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
    gaps[bin]! += confidence - Number(predicted === answer);
    n++;
  }
  return n === 0 ? null : gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / n;
}
