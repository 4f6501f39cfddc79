import type { Prediction } from '../../schemas/benchmark.ts';
import type { AccuracyDrop } from '../../schemas/diagnosis.ts';
import { holm } from '../statistics/adjust.ts';
import { bootstrapInterval } from '../statistics/bootstrap.ts';
import { mcnemarExact } from '../statistics/mcnemar.ts';
import { pairsToShow } from '../statistics/power.ts';
import { wilson } from '../statistics/wilson.ts';
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

type Unadjusted = Omit<AccuracyDrop, 'pAdjusted' | 'verdict'>;

export interface DropOptions {
  seed: number;
  /** Accuracy that may be lost without anybody minding, a share. */
  relevantDrop: number;
  /** The source item of a sample, by id. */
  sourceOf: (id: string) => string;
}

/**
 * The accuracy that a perturbation costs and its bootstrap interval, that of findings and rules alike; null without labels. `lost`: 1,
 * 0 or -1 a pair. Where no answer moved the bootstrap knows of no spread; the share that moves may still be as large as Wilson's bound
 * of 0 of so many source items.
 */
export function pairedDrop(
  { condition, clean, perturbed }: DropInput,
  { confidence = 0.95, seed, sourceOf }: Pick<DropOptions, 'seed' | 'sourceOf'> & { confidence?: number },
): { drop: number; interval: [number, number]; lost: number[] } | null {
  const cleanById = byId(clean);
  const labelled = perturbed.filter(({ answer }) => answer !== null);
  if (labelled.length === 0) return null;
  const lost = labelled.map((prediction) => {
    const before = cleanOf(cleanById, prediction);
    return Number(before.predicted === before.answer) - Number(prediction.predicted === prediction.answer);
  });
  const clusters = labelled.map(({ id }) => sourceOf(id));
  if (lost.every((d) => d === 0)) {
    const [, most] = wilson(0, new Set(clusters).size, confidence);
    return { drop: 0, interval: [-most, most], lost };
  }
  return {
    drop: lost.reduce((sum, d) => sum + d, 0) / lost.length,
    interval: bootstrapInterval(lost, { seed, clusters, stream: condition, confidence }),
    lost,
  };
}

function measure(input: DropInput, options: DropOptions): Unadjusted | null {
  const { relevantDrop } = options;
  const paired = pairedDrop(input, options);
  if (paired === null) return null;
  const { drop, interval, lost } = paired;
  const n = lost.length;
  const cleanOnly = lost.filter((d) => d === 1).length;
  const perturbedOnly = lost.filter((d) => d === -1).length;
  return {
    drop,
    ci95: interval,
    pValue: mcnemarExact(cleanOnly, perturbedOnly),
    n,
    pairsNeeded: pairsToShow(relevantDrop, (cleanOnly + perturbedOnly) / n),
  };
}

function verdictOf(
  drop: Unadjusted & { pAdjusted: number },
  relevantDrop: number,
  atChance: boolean,
): AccuracyDrop['verdict'] {
  if (drop.n < minimumPairs) return 'not_enough_data';
  if (drop.ci95[0] > 0 && drop.pAdjusted < significance) return 'drop';
  if (atChance) return 'at_chance';
  return drop.ci95[1] < relevantDrop ? 'no_relevant_drop' : 'not_enough_data';
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
    const withAdjusted = { ...drop, pAdjusted: adjusted[i]! };
    drops.set(condition, {
      ...withAdjusted,
      verdict: verdictOf(withAdjusted, options.relevantDrop, hopeless.has(condition)),
    });
  }
  return drops;
}
