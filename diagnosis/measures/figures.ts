import {
  type Answered,
  isAnswered,
  type PerturbationName,
  type PerturbedSample,
  type Prediction,
} from '../../schemas/benchmark.ts';
import type { Diagnosis, OpenFigures } from '../../schemas/diagnosis.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { ConditionFigures, DiagnosisFigures, UnansweredCounts } from '../../schemas/report.ts';
import { klDivergence } from '../statistics/divergence.ts';
import { clusteredWilson } from '../statistics/wilson.ts';

/** Under this, a probability is rounding: it would make the mean divergence infinite. */
const probabilityFloor = 1e-8;

/** `hintKey(...)` -> index of the option that the perturbation points to. */
export type Hints = ReadonlyMap<string, number>;

/** Sample id -> source item; a sample that is not there is its own. */
export type Sources = ReadonlyMap<string, string>;

/** The key of one perturbed sample. */
export function hintKey(sample: { perturbation: PerturbationName; id: string }): string {
  return `${sample.perturbation}/${sample.id}`;
}

/** The options that perturbed samples point to; samples that point to none are left out. */
export function hintsOf(samples: Iterable<Pick<PerturbedSample, 'id' | 'perturbation' | 'hinted'>>): Hints {
  const hints = new Map<string, number>();
  for (const sample of samples) if (sample.hinted !== null) hints.set(hintKey(sample), sample.hinted);
  return hints;
}

/** "<task kind>/<perturbation>", the key of `DiagnosisFigures`. */
export function conditionOf(prediction: { taskKind: string; perturbation: string }): string {
  return `${prediction.taskKind}/${prediction.perturbation}`;
}

/** Items by key, in order of first appearance. */
export function groupedBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** Predictions by sample id. @throws GuardError BadInput if one id comes twice. */
export function byId(predictions: readonly Prediction[]): Map<string, Prediction> {
  const result = new Map<string, Prediction>();
  for (const prediction of predictions) {
    if (result.has(prediction.id)) {
      const where = `${conditionOf(prediction)}, sample "${prediction.id}"`;
      throw new GuardError(
        ErrorCode.BadInput,
        `${where}: predicted twice; give each sample of a condition its own id.`,
      );
    }
    result.set(prediction.id, prediction);
  }
  return result;
}

/** The clean prediction that belongs to a perturbed one. @throws GuardError BadInput if there is none. */
export function cleanOf(clean: ReadonlyMap<string, Prediction>, perturbed: Prediction): Prediction {
  const found = clean.get(perturbed.id);
  const where = `${conditionOf(perturbed)}, sample "${perturbed.id}"`;
  if (found === undefined) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${where}: no prediction of the unperturbed sample; predict "origin" as well.`,
    );
  }
  const comparable = isAnswered(found) && isAnswered(perturbed);
  if (comparable && found.probabilities.length !== perturbed.probabilities.length) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${where}: ${perturbed.probabilities.length} options, but ${found.probabilities.length} without the ` +
        'perturbation; a perturbation must keep the options.',
    );
  }
  return found;
}

/** Perturbed predictions with their clean ones, those alone of which both are answered. @throws GuardError BadInput as `cleanOf` does */
export function answeredPairs(
  clean: readonly Prediction[],
  perturbed: readonly Prediction[],
): { before: Answered; after: Answered }[] {
  const cleanById = byId(clean);
  return perturbed.flatMap((after) => {
    const before = cleanOf(cleanById, after);
    return isAnswered(before) && isAnswered(after) ? [{ before, after }] : [];
  });
}

/** Questions without an answer, by why; null: all have one. */
export function unansweredCounts(predictions: readonly Prediction[]): UnansweredCounts | null {
  const counts: UnansweredCounts = {};
  for (const { outcome = 'unread', predicted } of predictions) {
    if (predicted !== null || outcome === 'answered') continue;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return Object.keys(counts).length > 0 ? counts : null;
}

/** Accuracy over the samples with a label, and its interval; what was not answered is not right; null where there is none. */
function accuracyOf(predictions: readonly Prediction[], sources: Sources) {
  const labelled = predictions.filter(({ answer }) => answer !== null);
  if (labelled.length === 0) return { accuracy: null, ci95: null };
  const right = labelled.map(({ answer, predicted }) => predicted === answer);
  const clusters = labelled.map(({ id }) => sources.get(id) ?? id);
  return {
    accuracy: right.filter(Boolean).length / right.length,
    ci95: clusteredWilson(right, clusters),
  };
}

/**
 * Figures of one condition. `perturbed` is compared with the prediction of the same id in `clean`, which may hold more.
 * @throws GuardError BadInput for no predictions, a repeated id or a missing clean prediction.
 */
export function figures(
  clean: readonly Prediction[],
  perturbed: readonly Prediction[],
  hints: Hints = new Map(),
  sources: Sources = new Map(),
): OpenFigures {
  const n = perturbed.length;
  if (n === 0) throw new GuardError(ErrorCode.BadInput, 'A condition without samples has no figures.');
  const predictions = [...byId(perturbed).values()];
  const pairs = answeredPairs(clean, predictions);
  const changed = pairs.filter(({ after, before }) => after.predicted !== before.predicted).length;
  const divergence = pairs.reduce(
    (sum, { after, before }) =>
      sum + klDivergence(before.probabilities, after.probabilities, probabilityFloor),
    0,
  );
  const hinted = predictions.filter((one) => isAnswered(one) && hints.has(hintKey(one)));
  const followed = hinted.filter((one) => one.predicted === hints.get(hintKey(one))).length;
  const unanswered = unansweredCounts(predictions);
  return {
    ...accuracyOf(perturbed, sources),
    changeRate: pairs.length > 0 ? changed / pairs.length : null,
    n,
    ...(pairs.length < n ? { pairs: pairs.length } : {}),
    ...(unanswered ? { unanswered } : {}),
    ...(pairs.length > 0 ? { kl: divergence / pairs.length } : {}),
    ...(hinted.length > 0 ? { followed: followed / hinted.length } : {}),
  };
}

/**
 * Figures of every condition that occurs in `predictions`, in order of first appearance. Each task kind needs
 * predictions of `origin`. @throws GuardError BadInput as `figures` does.
 */
export function diagnosisFigures(
  predictions: readonly Prediction[],
  hints: Hints = new Map(),
  sources: Sources = new Map(),
): Diagnosis['figures'] {
  const groups = groupedBy(predictions, conditionOf);
  const result: Diagnosis['figures'] = {};
  for (const [key, group] of groups) {
    const origin = groups.get(conditionOf({ taskKind: group[0]!.taskKind, perturbation: 'origin' }));
    result[key] = figures(origin ?? [], group, hints, sources);
  }
  return result;
}

/** Figures that have an accuracy. @throws GuardError BadInput naming the condition without labels */
export function labelledFigures(
  condition: string,
  { accuracy, changeRate, ci95, ...rest }: OpenFigures,
): ConditionFigures {
  if (accuracy !== null && ci95 !== null && changeRate !== null)
    return { accuracy, changeRate, ci95, ...rest };
  if (changeRate === null)
    throw new GuardError(
      ErrorCode.BadInput,
      `${condition}: no sample was answered both with and without the perturbation.`,
    );
  throw new GuardError(
    ErrorCode.BadInput,
    `${condition}: none of the samples has an answer, so there is no accuracy; label some of them, or run "diagnose" alone.`,
  );
}

/** As `labelledFigures`, for every condition of a diagnosis. */
export function allLabelled(figures: Diagnosis['figures']): DiagnosisFigures {
  return Object.fromEntries(
    Object.entries(figures).map(([condition, open]) => [condition, labelledFigures(condition, open)]),
  );
}
