import { Random } from '../../random/index.ts';
import {
  isInterference,
  type Prediction,
  TaskKind,
  taskKinds,
  withRightHints,
} from '../../schemas/benchmark.ts';
import type { DiagnosisMeasures } from '../../schemas/diagnosis.ts';
import { middle } from '../statistics/bootstrap.ts';
import { clusterTotals, resampler } from '../statistics/resample.ts';
import { clusteredWilson } from '../statistics/wilson.ts';
import { completeSamples, type TaskOf } from './complete.ts';

type Shares = Pick<DiagnosisMeasures, 'worst' | 'competency'>;

interface WorstOptions {
  seed: number;
  sourceOf: (id: string) => string;
  confidence?: number;
  /** Perturbations that point to the right option. Default: those of the catalogue. */
  helpful?: ReadonlySet<string>;
  taskOf?: TaskOf | undefined;
}

const resamples = 2000;

/** The labelled samples of a kind that were asked everything: whether each of their predictions is right, and their sources. */
interface Standings {
  right: boolean[];
  sources: string[];
  leftOut: number;
  conditions: number;
}

function standings(
  predictions: readonly Prediction[],
  kind: TaskKind,
  { helpful = withRightHints(), sourceOf, taskOf }: Pick<WorstOptions, 'helpful' | 'sourceOf' | 'taskOf'>,
): Standings {
  const counted = predictions.filter(
    ({ answer, perturbation, taskKind }) =>
      taskKind === kind &&
      answer !== null &&
      (perturbation === 'origin' || isInterference(perturbation, helpful)),
  );
  const { bySample, conditions, leftOut } = completeSamples(counted, taskOf);
  return {
    right: [...bySample.values()].map((own) => own.every(({ answer, predicted }) => predicted === answer)),
    sources: [...bySample.keys()].map(sourceOf),
    leftOut,
    conditions,
  };
}

const shareOf = ({ right }: Standings) => right.filter(Boolean).length / right.length;

/**
 * The share of each kind's samples that stand under every perturbation measured, and cross-modality competency: the
 * chance that one sample of each kind, drawn by itself, is answered rightly under its worst perturbation (VQA samples
 * are never perturbed). Its interval is a bootstrap over source items within the kinds. Samples that were not asked everything are
 * left out and counted; a kind without one that was is not there.
 */
export function worstCase(predictions: readonly Prediction[], options: WorstOptions): Shares {
  const { confidence, seed } = options;
  const kinds = taskKinds
    .map((kind) => [kind, standings(predictions, kind, options)] as const)
    .filter(([, { right }]) => right.length > 0);
  const worst = Object.fromEntries(
    kinds.map(([kind, found]) => {
      const { conditions, leftOut, right, sources } = found;
      const ci95 = clusteredWilson(right, sources, confidence);
      return [kind, { share: shareOf(found), ci95, n: right.length, conditions, leftOut }];
    }),
  );
  if (kinds.length < Object.keys(TaskKind).length) return { worst, competency: null };
  const draws = kinds.map(([, { right, sources }]) => resampler(clusterTotals(right.map(Number), sources)));
  const random = new Random(seed, 'competency');
  const products = Float64Array.from({ length: resamples }, () =>
    draws.reduce((product, draw) => {
      const { count, sum } = draw(random);
      return (product * sum) / count;
    }, 1),
  );
  return {
    worst,
    competency: {
      share: kinds.reduce((product, [, found]) => product * shareOf(found), 1),
      ci95: middle(products, confidence),
      n: Math.min(...kinds.map(([, { right }]) => right.length)),
      leftOut: kinds.reduce((sum, [, { leftOut }]) => sum + leftOut, 0),
    },
  };
}
