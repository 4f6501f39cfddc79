import type { PerturbedSample, Prediction } from '../../schemas/benchmark.ts';
import type { ConditionSlice } from '../../schemas/diagnosis.ts';
import { pairedInterval } from '../statistics/paired.ts';
import { type DropInput, pairedDrop } from './drop.ts';
import { figures, groupedBy, type Hints, hintKey, type Sources } from './figures.ts';

/** How a text was written: by sample, the family of its template and its place. */
export type Written = Pick<PerturbedSample, 'family' | 'position'>;

interface Options {
  sourceOf: (id: string) => string;
  sources: Sources;
  hints: Hints;
  /** By `hintKey`. */
  written: ReadonlyMap<string, Written>;
}

/** A plain list of many templates is no breakdown that anybody reads. */
const mostSlices = 40;

type Answers = Pick<DropInput, 'clean' | 'perturbed'>;
type Beside = Answers | undefined;

function slicesBy(
  feature: keyof Written,
  { clean, perturbed }: Answers,
  beside: Beside,
  options: Options,
): Record<string, ConditionSlice> | undefined {
  const { hints, sources, written } = options;
  const sliceOf = (prediction: Prediction) => written.get(hintKey(prediction))?.[feature] ?? '';
  const slices = groupedBy(perturbed, sliceOf);
  if (slices.size < 2 || slices.size > mostSlices || slices.has('')) return undefined;
  const neutral = groupedBy(beside?.perturbed ?? [], sliceOf);
  const lost = (from: readonly Prediction[], to: readonly Prediction[]) => {
    const found = pairedDrop({ clean: from, perturbed: to }, options);
    return found && { drop: found.drop, ci95: pairedInterval(found.pairs), n: found.lost.length };
  };
  const measured = [...slices].map(([value, own]): [string, ConditionSlice] => {
    const { accuracy, changeRate, ci95, followed, n } = figures(clean, own, hints, sources);
    const drop = lost(clean, own);
    const same = neutral.get(value);
    const dropAgainstControl = beside && same ? lost(beside.clean, same) : null;
    const hint = followed === undefined ? {} : { followed };
    return [value, { n, accuracy, ci95, changeRate, ...hint, drop, dropAgainstControl }];
  });
  return Object.fromEntries(measured.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * A text condition by family of its templates and by place, each against the clean answers and against neutral text of the same length in
 * the same place: what a family, or a place, costs by itself. Empty where there is one family and one place.
 */
export function conditionSlices(
  answers: Answers,
  beside: Beside,
  options: Options,
): { families?: Record<string, ConditionSlice>; positions?: Record<string, ConditionSlice> } {
  const families = slicesBy('family', answers, beside, options);
  const positions = slicesBy('position', answers, beside, options);
  return { ...(families ? { families } : {}), ...(positions ? { positions } : {}) };
}
