import { isControl, type Prediction } from '../schemas/benchmark.ts';
import type { Comparison, ConditionChange } from '../schemas/comparison.ts';
import type { DiagnosisReport } from '../schemas/diagnosis-report.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { SampleLogRow } from '../schemas/sample-log.ts';
import type { Evidence } from './gates/figures.ts';
import { accuracyDrops } from './measures/drop.ts';
import { conditionOf, groupedBy, hintsOf } from './measures/figures.ts';
import { pairedInterval, pairsOf } from './statistics/paired.ts';

/** A diagnosis with every answer. */
export interface Diagnosed {
  /** What people called it: a workflow, a file. */
  name: string;
  seed: number;
  log: readonly SampleLogRow[];
}

/** Points of accuracy that nobody minds, as in a diagnosis. */
const relevantDrop = 0.05;
const significance = 0.05;

const keyOf = ({ id, kind, perturbation }: SampleLogRow) => `${kind}/${perturbation}/${id}`;
const conditionIn = ({ kind: taskKind, perturbation }: SampleLogRow) =>
  conditionOf({ taskKind, perturbation });

/** An answer of the per-sample log as a prediction. */
export function predictionOf(row: SampleLogRow): Prediction {
  const { answer, id, kind, outcome, perturbation, predicted, probabilities } = row;
  return {
    id,
    taskKind: kind as Prediction['taskKind'],
    perturbation,
    answer,
    predicted,
    probabilities,
    ...(outcome === 'answered' ? {} : { outcome }),
  };
}

/** The predictions of a per-sample log, by condition. */
function predictionsIn(log: readonly SampleLogRow[]): Map<string, Prediction[]> {
  return groupedBy(log.map(predictionOf), conditionOf);
}

const some = (names: readonly string[]) =>
  `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;

function missingFrom(a: Iterable<string>, b: ReadonlySet<string>): string[] {
  return [...new Set(a)].filter((one) => !b.has(one));
}

/** What of a question is another than in the earlier diagnosis, in words; null: nothing that a log tells. */
function changeOf(was: SampleLogRow, now: SampleLogRow): string | null {
  const shown = ({ options }: SampleLogRow) => options.join(', ');
  if (shown(was) !== shown(now)) return `its options were ${shown(was)}, and are ${shown(now)}`;
  if (was.answer !== now.answer)
    return `its label was ${was.answer ?? 'none'}, and is ${now.answer ?? 'none'}`;
  if (was.template !== now.template)
    return `its perturbation was made by "${was.template}", and is by "${now.template}"`;
  if (was.textLength === now.textLength) return null;
  return `its text had ${was.textLength} characters, and has ${now.textLength}`;
}

interface Differences {
  /** What keeps two diagnoses from being compared answer by answer; empty: nothing. */
  found: string[];
  notCompared: Comparison['notCompared'];
}

const whyNotCompared =
  'its neutral text is another than before: it is cut to a length in tokens of the mini model and in words of other models, and is drawn from the packs';

function differences(earlier: Diagnosed, later: Diagnosed): Differences {
  const found: string[] = [];
  if (earlier.seed !== later.seed) found.push(`the seed is ${earlier.seed} and ${later.seed}`);
  const conditions = [earlier, later].map(({ log }) => new Set(log.map(conditionIn)));
  for (const [i, name] of [earlier.name, later.name].entries()) {
    const alone = missingFrom(conditions[i]!, conditions[1 - i]!);
    if (alone.length > 0) found.push(`${some(alone)} is in ${name} alone`);
  }
  const before = new Map(earlier.log.map((row) => [keyOf(row), row]));
  const both = later.log.filter((row) => conditions[0]!.has(conditionIn(row)));
  const fresh = both.filter((row) => !before.has(keyOf(row)));
  const gone = earlier.log.length - (both.length - fresh.length);
  if (fresh.length > 0 || (gone > 0 && found.length === 0)) {
    const there = new Set(both.map(keyOf));
    const one = fresh[0] ?? earlier.log.find((row) => !there.has(keyOf(row)))!;
    found.push(
      `${fresh.length + Math.max(0, gone)} questions are in one of them alone, such as ${keyOf(one)} (another benchmark, or another number of --samples)`,
    );
  }
  const changed = new Map<string, string>();
  for (const row of both) {
    const was = before.get(keyOf(row));
    const change = was && changeOf(was, row);
    if (change && !changed.has(conditionIn(row)))
      changed.set(conditionIn(row), `${keyOf(row)} was another question: ${change}`);
  }
  // A neutral text is no part of what is asked: it is as long as the text that it stands beside.
  const [controls, others] = [
    [...changed.keys()].filter(isControl),
    [...changed].filter(([one]) => !isControl(one)),
  ];
  if (others.length > 0) found.push(others[0]![1]);
  return { found, notCompared: controls.map((condition) => ({ condition, why: whyNotCompared })) };
}

/** What cannot be compared of two diagnoses. @throws GuardError BadInput saying what differs, where they did not ask the same questions */
function notComparable(earlier: Diagnosed, later: Diagnosed): Comparison['notCompared'] {
  const { found, notCompared } = differences(earlier, later);
  if (found.length === 0) return notCompared;
  throw new GuardError(
    ErrorCode.BadInput,
    `${earlier.name} and ${later.name} did not ask the same questions: ${found.join('; ')}. Diagnose again with the same --benchmark, --seed, ` +
      '--samples, --level, --task and --scenarios',
  );
}

/** The earlier diagnosis' predictions under what can be compared, by condition. @throws GuardError as `notComparable` */
export function earlierPredictions(earlier: Diagnosed, later: Diagnosed): Map<string, Prediction[]> {
  const left = notComparable(earlier, later).map(({ condition }) => condition);
  return predictionsIn(earlier.log.filter((row) => !left.includes(conditionIn(row))));
}

const rate = (hits: readonly boolean[]) => hits.filter(Boolean).length / hits.length;

/** How many answers change under a condition, before and now, on samples of which both are known; null: of none. */
function changeRates(
  before: readonly SampleLogRow[],
  now: readonly SampleLogRow[],
): ConditionChange['changed'] {
  const was = new Map(before.map((row) => [row.id, row.changed]));
  const both = now.flatMap(({ changed, id, source }) => {
    const earlier = was.get(id);
    return typeof earlier === 'boolean' && changed !== null ? [{ earlier, later: changed, source }] : [];
  });
  if (both.length === 0) return null;
  const pairs = pairsOf(
    both.map(({ earlier, later }) => Number(later) - Number(earlier)),
    both.map(({ source }) => source),
  );
  return {
    earlier: rate(both.map(({ earlier }) => earlier)),
    later: rate(both.map(({ later }) => later)),
    difference: pairs.mean,
    ci95: pairedInterval(pairs),
    n: both.length,
  };
}

/**
 * Two diagnoses that asked the same, answer by answer: what accuracy and changed answers became under each condition, with intervals
 * over source items, and findings whose p-values are adjusted over all conditions (Holm).
 * @throws GuardError as `notComparable`
 */
export function compareDiagnoses(earlier: Diagnosed, later: Diagnosed): Comparison {
  const notCompared = notComparable(earlier, later);
  const [before, now] = [earlier, later].map(({ log }) => predictionsIn(log)) as [
    Map<string, Prediction[]>,
    Map<string, Prediction[]>,
  ];
  const rows = [earlier, later].map(({ log }) => groupedBy(log, conditionIn));
  const sources = new Map(later.log.map(({ id, source }) => [id, source]));
  const sourceOf = (id: string) => sources.get(id) ?? id;
  const left = new Set(notCompared.map(({ condition }) => condition));
  const inputs = [...now]
    .filter(([condition]) => !left.has(condition))
    .map(([condition, perturbed]) => ({ condition, clean: before.get(condition)!, perturbed }));
  const drops = accuracyDrops(inputs, { relevantDrop, sourceOf });
  const conditions = inputs.map(({ clean, condition, perturbed }): ConditionChange => {
    const drop = drops.get(condition) ?? null;
    const changed = condition.endsWith('/origin')
      ? null
      : changeRates(rows[0]!.get(condition)!, rows[1]!.get(condition)!);
    const was = new Map(clean.map(({ id, predicted }) => [id, predicted]));
    const others = perturbed.filter(({ id, predicted }) => was.get(id) !== predicted).length;
    const common = { condition, n: perturbed.length, otherAnswers: others / perturbed.length, changed };
    if (drop === null) return { ...common, accuracy: null, finding: 'no_labels' };
    const accuracyOf = (answers: readonly Prediction[]) =>
      rate(
        answers.filter(({ answer }) => answer !== null).map(({ answer, predicted }) => answer === predicted),
      );
    const [low, high] = drop.ci95;
    const accuracy = {
      earlier: accuracyOf(clean),
      later: accuracyOf(perturbed),
      // A loss is a difference below 0, and no loss a difference of 0.
      difference: 0 - drop.drop,
      ci95: [0 - high, 0 - low] as [number, number],
      pValue: drop.pValue,
      pAdjusted: drop.pAdjusted,
    };
    const better = high < 0 && drop.pAdjusted < significance;
    const finding =
      drop.verdict === 'drop'
        ? 'worse'
        : better
          ? 'better'
          : drop.verdict === 'no_relevant_drop'
            ? 'not_worse'
            : 'undecided';
    return { ...common, accuracy, finding };
  });
  const of = (finding: ConditionChange['finding']) => conditions.some((one) => one.finding === finding);
  const verdict = of('worse') ? 'worse' : of('undecided') || of('no_labels') ? 'undecided' : 'not_worse';
  return { verdict, relevantDrop, conditions, notCompared };
}

/** What rules look at, from a per-sample log and the attack points of its report. */
export function evidenceOfLog(
  later: Diagnosed,
  report: Pick<DiagnosisReport, 'pgd' | 'endpoint'>,
  earlier: Diagnosed,
): Evidence {
  const { log, seed } = later;
  const sources = new Map(log.map(({ id, source }) => [id, source]));
  const tasks = new Map(log.map(({ id, kind, task }) => [id, task === kind ? undefined : task]));
  return {
    predictions: log.map(predictionOf),
    hints: hintsOf(log),
    sourceOf: (id) => sources.get(id) ?? id,
    taskOf: (id) => tasks.get(id),
    attacks: report.pgd.map(({ after: _, before: accuracy, ...point }) => ({ ...point, accuracy })),
    seed,
    earlier: earlierPredictions(earlier, later),
    endpoint: report.endpoint,
  };
}
