import type { Prediction } from '../../schemas/benchmark.ts';
import type { LowestAccuracy } from '../../schemas/repair.ts';
import { effectiveTrials, wilsonOf } from '../statistics/wilson.ts';
import { conditionOf, groupedBy } from './figures.ts';

/** Conditions of fewer samples are not looked at where others have more: the lowest would be the smallest. */
const minimumSamples = 30;

/**
 * The condition with the lowest accuracy among those that `counts` says yes to; null without a labelled one. The lowest of several
 * measured accuracies is low partly by chance, so its interval is one for the lowest true accuracy: the lower end is the smallest lower end
 * of the conditions, which misses only where that of the truly lowest does; the upper end is the smallest upper end of intervals that
 * are widened so that they hold together (Bonferroni).
 */
export function lowestAccuracy(
  predictions: readonly Prediction[],
  {
    confidence = 0.95,
    counts,
    sourceOf,
  }: { counts: (condition: string) => boolean; sourceOf: (id: string) => string; confidence?: number },
): LowestAccuracy | null {
  const labelled = predictions.filter((one) => one.answer !== null && counts(conditionOf(one)));
  const groups = [...groupedBy(labelled, conditionOf)];
  const large = groups.filter(([, { length }]) => length >= minimumSamples);
  const compared = (large.length > 0 ? large : groups).map(([condition, own]) => {
    const right = own.map(({ answer, predicted }) => predicted === answer);
    const clusters = own.map(({ id }) => sourceOf(id));
    const accuracy = right.filter(Boolean).length / right.length;
    return { condition, accuracy, n: right.length, trials: effectiveTrials(right, clusters) };
  });
  const [first] = compared;
  if (!first) return null;
  const together = 1 - (1 - confidence) / compared.length;
  const low = compared.map(({ accuracy, trials }) => wilsonOf(accuracy, trials, confidence)[0]);
  const high = compared.map(({ accuracy, trials }) => wilsonOf(accuracy, trials, together)[1]);
  const { accuracy, condition, n } = compared.reduce((a, b) => (b.accuracy < a.accuracy ? b : a), first);
  return { condition, accuracy, ci95: [Math.min(...low), Math.min(...high)], n, conditions: compared.length };
}
