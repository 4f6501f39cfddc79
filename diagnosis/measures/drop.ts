import { isAnswered, type Prediction } from '../../schemas/benchmark.ts';
import type { AccuracyDrop } from '../../schemas/diagnosis.ts';
import type { LargestDrop } from '../../schemas/repair.ts';
import { mostUnanswered } from '../../schemas/unanswered.ts';
import { holm } from '../statistics/adjust.ts';
import { mcnemarExact } from '../statistics/mcnemar.ts';
import { type Pairs, pairedInterval, pairedPValue, pairsOf } from '../statistics/paired.ts';
import { pairsToShow } from '../statistics/power.ts';
import { byId, cleanOf } from './figures.ts';

const significance = 0.05;
/** With fewer pairs no statement is made. */
const minimumPairs = 30;

/** A perturbation's answers beside the clean ones. */
export interface DropInput {
  condition: string;
  clean: readonly Prediction[];
  perturbed: readonly Prediction[];
  /** The clean answers are no better than chance: whether something was lost cannot be said. */
  atChance?: boolean | undefined;
}

type Unadjusted = Omit<AccuracyDrop, 'pAdjusted' | 'verdict' | 'atMost'> &
  Pick<PairedDrop, 'answered'> & { atMost: number };

/** With 95 % confidence no more than this is lost. One-sided, as a rule's pass is: the upper end of a 90 % interval. */
const mostLost = (pairs: Pairs) => pairedInterval(pairs, 0.9)[1];

export interface DropOptions {
  /** Accuracy that may be lost without anybody minding, a share. */
  relevantDrop: number;
  /** The source item of a sample, by id. */
  sourceOf: (id: string) => string;
}

/** The accuracy that a perturbation costs, for findings and rules alike. `lost`: 1, 0 or -1 a pair. */
export interface PairedDrop {
  drop: number;
  pairs: Pairs;
  lost: number[];
  clusters: string[];
  /** Labelled samples that were answered both with and without the perturbation, and the others. */
  answered: number;
  unanswered: number;
}

/** Whether too many samples lack an answer, with or without the perturbation, for an absence of loss to show anything. */
const tooManyMissing = ({ answered, unanswered }: Pick<PairedDrop, 'answered' | 'unanswered'>): boolean =>
  unanswered > mostUnanswered * (answered + unanswered);

/**
 * The pairs of a condition, by source item; null without labels, and where nothing was answered. What was not answered is not right;
 * pairs of which neither was show nothing, and are left out.
 */
export function pairedDrop(
  { clean, perturbed }: Pick<DropInput, 'clean' | 'perturbed'>,
  { sourceOf }: Pick<DropOptions, 'sourceOf'>,
): PairedDrop | null {
  const cleanById = byId(clean);
  const labelled = perturbed
    .filter(({ answer }) => answer !== null)
    .map((after) => ({ after, before: cleanOf(cleanById, after) }));
  const some = labelled.filter(({ after, before }) => isAnswered(after) || isAnswered(before));
  if (some.length === 0) return null;
  const lost = some.map(
    ({ after, before }) =>
      Number(before.predicted === before.answer) - Number(after.predicted === after.answer),
  );
  const clusters = some.map(({ after }) => sourceOf(after.id));
  const pairs = pairsOf(lost, clusters);
  const answered = some.filter(({ after, before }) => isAnswered(after) && isAnswered(before)).length;
  return { drop: pairs.mean, pairs, lost, clusters, answered, unanswered: labelled.length - answered };
}

/**
 * Two-sided p-value of no drop. McNemar's exact test takes samples of one source item for independent, his score test over source items is
 * good for many: the larger counts.
 */
export function dropPValue({ lost, pairs }: PairedDrop): number {
  const [more, less] = [1, -1].map((sign) => lost.filter((d) => d === sign).length);
  return Math.max(mcnemarExact(more!, less!), pairedPValue(pairs));
}

function measure(input: DropInput, options: DropOptions): Unadjusted | null {
  const { relevantDrop } = options;
  const paired = pairedDrop(input, options);
  if (paired === null) return null;
  const { answered, drop, lost, pairs, unanswered } = paired;
  const n = lost.length;
  return {
    drop,
    ci95: pairedInterval(pairs),
    atMost: mostLost(pairs),
    pValue: dropPValue(paired),
    n,
    answered,
    ...(unanswered > 0 ? { unanswered } : {}),
    pairsNeeded: pairsToShow(relevantDrop, pairs.discordant),
  };
}

function verdictOf(
  drop: Unadjusted & { pAdjusted: number },
  relevantDrop: number,
  atChance: boolean,
): AccuracyDrop['verdict'] {
  const { answered, unanswered = 0 } = drop;
  if (answered < minimumPairs) return 'not_enough_data';
  if (drop.ci95[0] > 0 && drop.pAdjusted < significance) return 'drop';
  if (atChance) return 'at_chance';
  const none = drop.atMost <= relevantDrop && !tooManyMissing({ answered, unanswered });
  return none ? 'no_relevant_drop' : 'not_enough_data';
}

/**
 * The accuracy that each perturbation costs, paired by sample, with the p-values adjusted over all of them. Null for a
 * condition without labels. @throws GuardError BadInput where a clean prediction is absent
 */
export function accuracyDrops(
  inputs: readonly DropInput[],
  options: DropOptions,
): Map<string, AccuracyDrop | null> {
  const measured = inputs.map((input) => [input.condition, measure(input, options)] as const);
  const found = measured.filter((entry): entry is [string, Unadjusted] => entry[1] !== null);
  const adjusted = holm(found.map(([, { pValue }]) => pValue));
  const hopeless = new Set(inputs.filter(({ atChance }) => atChance).map(({ condition }) => condition));
  const drops = new Map<string, AccuracyDrop | null>(measured.map(([condition]) => [condition, null]));
  for (const [i, [condition, drop]] of found.entries()) {
    const { answered: _, ...figures } = drop;
    const pAdjusted = adjusted[i]!;
    const verdict = verdictOf({ ...drop, pAdjusted }, options.relevantDrop, hopeless.has(condition));
    drops.set(condition, { ...figures, pAdjusted, verdict });
  }
  return drops;
}

/**
 * The largest of the drops; null without labels. Its interval is one for the largest true drop, as `lowestAccuracy` has one for the
 * lowest accuracy: the largest upper end, and the largest lower end of intervals that hold together.
 */
export function largestDrop(
  inputs: readonly DropInput[],
  options: Pick<DropOptions, 'sourceOf'>,
): LargestDrop | null {
  const all = inputs.flatMap((input) => {
    const paired = pairedDrop(input, options);
    return paired ? [{ condition: input.condition, ...paired }] : [];
  });
  const many = all.filter(({ lost }) => lost.length >= minimumPairs);
  const compared = many.length > 0 ? many : all;
  const [first] = compared;
  if (!first) return null;
  const together = 1 - 0.05 / compared.length;
  const low = compared.map(({ pairs }) => pairedInterval(pairs, together)[0]);
  const high = compared.map(({ pairs }) => pairedInterval(pairs)[1]);
  const { condition, drop, lost } = compared.reduce((a, b) => (b.drop > a.drop ? b : a), first);
  return {
    condition,
    drop,
    ci95: [Math.max(...low), Math.max(...high)],
    n: lost.length,
    conditions: compared.length,
  };
}
