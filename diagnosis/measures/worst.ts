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

type Shares = Pick<DiagnosisMeasures, 'worst' | 'competency'>;

interface WorstOptions {
  seed: number;
  sourceOf: (id: string) => string;
  confidence?: number;
  /** Perturbations that point to the right option. Default: those of the catalogue. */
  helpful?: ReadonlySet<string>;
}

const resamples = 2000;

interface Standing {
  right: boolean;
  source: string;
}

/** For each labelled sample of a kind whether every one of its predictions is right. */
function standing(
  predictions: readonly Prediction[],
  kind: TaskKind,
  { helpful = withRightHints(), sourceOf }: Pick<WorstOptions, 'helpful' | 'sourceOf'>,
): Standing[] {
  const right = new Map<string, boolean>();
  for (const { id, taskKind, perturbation, answer, predicted } of predictions) {
    if (taskKind !== kind || answer === null) continue;
    if (perturbation !== 'origin' && !isInterference(perturbation, helpful)) continue;
    right.set(id, (right.get(id) ?? true) && predicted === answer);
  }
  return [...right].map(([id, all]) => ({ right: all, source: sourceOf(id) }));
}

const sourceIn = ({ source }: Standing) => source;

const shareOf = (standings: readonly Standing[]) =>
  standings.filter(({ right }) => right).length / standings.length;

/**
 * The share of each kind's samples that stand under every perturbation measured, and cross-modality competency: the
 * chance that one sample of each kind, drawn by itself, is answered rightly under its worst perturbation (VQA samples
 * are never perturbed). Its interval is a bootstrap over source items within the kinds.
 */
export function worstCase(predictions: readonly Prediction[], options: WorstOptions): Shares {
  const { confidence, seed } = options;
  const kinds = taskKinds
    .map((kind) => [kind, standing(predictions, kind, options)] as const)
    .filter(([, standings]) => standings.length > 0);
  const worst = Object.fromEntries(
    kinds.map(([kind, standings]) => {
      const right = standings.map((one) => one.right);
      const ci95 = clusteredWilson(right, standings.map(sourceIn), confidence);
      return [kind, { share: shareOf(standings), ci95, n: standings.length }];
    }),
  );
  if (kinds.length < Object.keys(TaskKind).length) return { worst, competency: null };
  const draws = kinds.map(([, standings]) => {
    const right = standings.map((one) => Number(one.right));
    return resampler(clusterTotals(right, standings.map(sourceIn)));
  });
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
      share: kinds.reduce((product, [, standings]) => product * shareOf(standings), 1),
      ci95: middle(products, confidence),
      n: Math.min(...kinds.map(([, standings]) => standings.length)),
    },
  };
}
