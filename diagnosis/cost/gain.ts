import { type TaskKind, withRightHints } from '../../schemas/benchmark.ts';
import type { OpenFigures } from '../../schemas/diagnosis.ts';
import type { PilotFigures } from '../../schemas/estimate.ts';
import { twoSided } from '../statistics/normal.ts';
import { type CurvePoint, type FittedCurve, fitCurve } from './curve.ts';
import { misinforms } from './findings.ts';

const z = twoSided(0.95);

/** Share of a condition's weight by name; the weights sum to 1. */
export type Weights = readonly (readonly [condition: string, weight: number])[];

/** All conditions of a kind that misinform alike; `rightHints`: those found beside the catalogue's. */
export function evenWeights(
  figures: Record<string, unknown>,
  kind: TaskKind,
  rightHints: readonly string[] = [],
): Weights {
  const right = withRightHints(rightHints);
  const conditions = Object.keys(figures).filter(
    (name) => name.startsWith(`${kind}/`) && misinforms(name, right),
  );
  return conditions.map((name) => [name, 1 / conditions.length]);
}

/**
 * Weighted accuracy over conditions. The standard error is the weighted sum of theirs: conditions share samples, and this
 * is its upper bound. Null: a condition is absent or has no labels.
 */
export function weightedAccuracy(
  figures: Record<string, OpenFigures>,
  weights: Weights,
): { accuracy: number; standardError: number } | null {
  if (weights.length === 0) return null;
  let [accuracy, standardError] = [0, 0];
  for (const [condition, weight] of weights) {
    const found = figures[condition];
    if (!found || found.accuracy === null || found.ci95 === null) return null;
    accuracy += weight * found.accuracy;
    standardError += (weight * (found.ci95[1] - found.ci95[0])) / (2 * z);
  }
  return { accuracy, standardError };
}

/** The learning curve of the weighted accuracy; null: the pilot has too few points for one. */
export function pilotCurve({ points }: PilotFigures, weights: Weights): FittedCurve | null {
  const curvePoints = points.flatMap(({ figures, steps }): CurvePoint[] => {
    const measured = weightedAccuracy(figures, weights);
    return measured === null ? [] : [{ steps, ...measured }];
  });
  return fitCurve(curvePoints);
}

/**
 * What part of the errors under perturbation the method removed where it was published (arXiv 2505.19616, worst heuristic
 * perturbation before and after): least, middle and most over models and data sets. Mini-ImageNet, Caltech-101 (LLaVA-1.5-
 * 7B), Caltech-101 (InstructBLIP-7B); OpenBookQA (LLaVA-1.5-7B, InstructBLIP-7B, Qwen2.5-VL-7B), MMLU (Qwen2.5-VL-7B).
 */
const published: Record<'image_heavy' | 'text_heavy', [before: number, after: number][]> = {
  image_heavy: [
    [43.5, 98.4],
    [57.4, 98.9],
    [17.5, 99],
  ],
  text_heavy: [
    [56.4, 81],
    [46.2, 78.3],
    [77.5, 92.7],
    [63.7, 71.5],
  ],
};

/** Part of a drop that training may be expected to repair before anybody has tried; null: the kind is never perturbed. */
export function publishedRepair(kind: TaskKind): { value: number; ci95: [number, number] } | null {
  if (kind === 'vqa') return null;
  const parts = published[kind].map(([before, after]) => (after - before) / (100 - before));
  const mean = parts.reduce((sum, part) => sum + part, 0) / parts.length;
  return { value: mean, ci95: [Math.min(...parts), Math.max(...parts)] };
}
