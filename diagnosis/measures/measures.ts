import {
  isControl,
  isInterference,
  type PerturbedSample,
  type Prediction,
  removals,
} from '../../schemas/benchmark.ts';
import type { ConditionMeasures, DiagnosisMeasures, Floor } from '../../schemas/diagnosis.ts';
import { jsDivergence } from '../statistics/divergence.ts';
import { calibrationError } from './calibration.ts';
import { besideControls } from './controls.ts';
import { accuracyDrops, largestDrop } from './drop.ts';
import { answeredPairs, conditionOf, groupedBy, hintKey, hintsOf } from './figures.ts';
import { floorOf } from './floor.ts';
import { letterBias } from './letters.ts';
import { lowestAccuracy } from './lowest.ts';
import { reliance } from './reliance.ts';
import { rightHintsAmong } from './right-hints.ts';
import { conditionSlices, type Written } from './slices.ts';
import { taskConditions } from './tasks.ts';
import { worstCase } from './worst.ts';

export interface MeasureOptions {
  seed: number;
  /** Accuracy that may be lost without anybody minding, a share. Default .05. */
  relevantDrop?: number;
}

/** What measures read of samples. */
type Asked = Pick<PerturbedSample, 'id' | 'source'> &
  Partial<Pick<PerturbedSample, 'answer' | 'family' | 'hinted' | 'perturbation' | 'position' | 'task'>>;

/** Neither as it was nor without what decides: a fall of accuracy is expected there. */
function isDisturbed({ perturbation }: Prediction): boolean {
  return perturbation !== 'origin' && !(removals as readonly string[]).includes(perturbation);
}

/** A sample that points to an option. */
function hinting({ hinted, id, perturbation }: Asked) {
  return perturbation === undefined || hinted === undefined ? [] : [{ hinted, id, perturbation }];
}

function meanJs(clean: readonly Prediction[], perturbed: readonly Prediction[]): number | null {
  const distances = answeredPairs(clean, perturbed).map(({ after, before }) =>
    jsDivergence(before.probabilities, after.probabilities),
  );
  return distances.length > 0
    ? distances.reduce((sum, distance) => sum + distance, 0) / distances.length
    : null;
}

function floorsOf(
  clean: readonly Prediction[],
  nameOf: (prediction: Prediction) => string,
  sourceOf: (id: string) => string,
): Record<string, Floor> {
  return Object.fromEntries(
    [...groupedBy(clean, nameOf)].flatMap(([name, own]): [string, Floor][] => {
      const floor = floorOf(own, sourceOf);
      return floor ? [[name, floor]] : [];
    }),
  );
}

/**
 * What a diagnosis measures beyond the figures of its conditions: drops with corrected tests, calibration, worst cases,
 * competency, letter bias and whether it does better than chance. `samples` tell the source items. @throws GuardError BadInput as `figures` does
 */
export function diagnosisMeasures(
  samples: Iterable<Asked>,
  predictions: readonly Prediction[],
  { seed, relevantDrop = 0.05 }: MeasureOptions,
): DiagnosisMeasures {
  const sources = new Map<string, string>();
  const asked = [...samples];
  const tasks = new Map<string, string>();
  for (const { id, source, task } of asked) {
    sources.set(id, source);
    if (task !== undefined) tasks.set(id, task);
  }
  const helpful = rightHintsAmong(asked);
  const sourceOf = (id: string) => sources.get(id) ?? id;
  const taskOf = (id: string) => tasks.get(id);
  const groups = groupedBy(predictions, conditionOf);
  const cleanFor = (group: readonly Prediction[]) =>
    groups.get(conditionOf({ taskKind: group[0]!.taskKind, perturbation: 'origin' })) ?? [];
  const clean = predictions.filter(({ perturbation }) => perturbation === 'origin');
  const floors = floorsOf(clean, ({ taskKind }) => taskKind, sourceOf);
  const perturbed = [...groups].filter(([, group]) => isDisturbed(group[0]!));
  const options = { relevantDrop, sourceOf };
  const inputs = perturbed.map(([condition, group]) => ({
    condition,
    clean: cleanFor(group),
    perturbed: group,
    atChance: floors[group[0]!.taskKind]?.atChance,
  }));
  // What texts cost, what their length alone costs and what their content costs are three questions, each adjusted by itself.
  const beside = besideControls(groups);
  const drops = new Map([
    ...accuracyDrops(
      inputs.filter(({ condition }) => !isControl(condition)),
      options,
    ),
    ...accuracyDrops(
      inputs.filter(({ condition }) => isControl(condition)),
      options,
    ),
  ]);
  const againstControls = accuracyDrops(
    [...beside].map(([condition, pair]) => ({
      ...pair,
      condition,
      atChance: floors[pair.perturbed[0]!.taskKind]?.atChance,
    })),
    options,
  );
  const written = new Map<string, Written>();
  for (const { family, id, perturbation, position } of asked) {
    if (perturbation !== undefined && position !== undefined)
      written.set(hintKey({ id, perturbation }), { position, ...(family === undefined ? {} : { family }) });
  }
  const slicing = { sourceOf, sources, hints: hintsOf(asked.flatMap(hinting)), written };
  const interfering = inputs.filter(
    (input) => !input.atChance && isInterference(input.perturbed[0]!.perturbation, helpful),
  );
  const counted = new Set(interfering.map(({ condition }) => condition));
  const conditions = [...groups].map(([condition, group]): [string, ConditionMeasures] => [
    condition,
    {
      js: meanJs(cleanFor(group), group),
      ece: calibrationError(group),
      drop: drops.get(condition) ?? null,
      ...(beside.has(condition) ? { dropAgainstControl: againstControls.get(condition) ?? null } : {}),
      ...(written.size > 0 && !isControl(condition)
        ? conditionSlices({ clean: cleanFor(group), perturbed: group }, beside.get(condition), slicing)
        : {}),
    },
  ]);
  const tasked = clean.filter(({ id }) => tasks.has(id));
  return {
    relevantDrop,
    conditions: Object.fromEntries(conditions),
    ...worstCase(predictions, { seed, sourceOf, helpful, taskOf }),
    reliance: reliance(predictions, { seed, sourceOf, helpful, taskOf }),
    letters: letterBias(clean),
    lowest: lowestAccuracy(predictions, { counts: (condition) => counted.has(condition), sourceOf }),
    largest: largestDrop(interfering, { sourceOf }),
    floors,
    ...(tasks.size > 0
      ? {
          tasks: taskConditions(predictions, { sourceOf, taskOf }),
          taskFloors: floorsOf(tasked, ({ id }) => tasks.get(id)!, sourceOf),
        }
      : {}),
    rightHints: [...helpful].sort(),
  };
}
