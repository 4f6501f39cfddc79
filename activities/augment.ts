import { setImmediate } from 'node:timers/promises';
import { perturb } from '../diagnosis/perturbations/index.ts';
import { Random } from '../random/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import {
  type PerturbedSample,
  type TaskKind,
  taskKinds,
  trainingPerturbations,
} from '../schemas/benchmark.ts';
import type { TrainConfig } from '../schemas/training.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writeSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface AugmentInput {
  /** The training split. */
  train: ArtifactRef;
  /** The champion that will be trained. */
  model: ArtifactRef;
  config: TrainConfig;
  seed: number;
}

/** Writes the training rows: each sample unperturbed and, where one modality is irrelevant, under its perturbations. */
export function augment(deps: ActivityDeps) {
  return async ({ config, seed, train }: AugmentInput): Promise<StepOutcome<{ rows: number }>> => {
    const step = {
      name: 'augment',
      label: 'training pairs',
      uses: ['diagnosis/perturbations'],
      packages: ['fast-png'],
      parameters: { budget: budgetOf(config) },
      seed,
      inputs: { train },
    };
    return durably(deps, step, async ({ progress, signal }) => {
      const pool = await readSamples(await deps.store.path(train));
      const budget = budgetOf(config);
      const rows: PerturbedSample[] = [];
      for (const kind of taskKinds) {
        const chosen = new Random(seed, 'augment', kind).shuffle(pool.filter((s) => s.taskKind === kind));
        for (const [i, sample] of chosen.slice(0, budget[kind]).entries()) {
          rows.push(...family(sample, seed, pool));
          if (i % 50 !== 0) continue;
          signal.throwIfAborted();
          progress(rows.length, 0);
          await setImmediate();
        }
      }
      return { outputs: { rows: await writeSamples(deps.store, rows) }, result: { rows: rows.length } };
    });
  };
}

/** As many samples of each kind as the training will see, so that nothing is perturbed in vain. */
function budgetOf({ batch, steps }: TrainConfig): Record<TaskKind, number> {
  const pairs = (steps * batch) / 8;
  return { image_heavy: pairs, text_heavy: pairs, vqa: 4 * pairs };
}

function family(sample: PerturbedSample, seed: number, pool: PerturbedSample[]): PerturbedSample[] {
  const clean = perturb([sample], 'origin', seed, pool);
  if (sample.taskKind === 'vqa') return clean;
  const names = trainingPerturbations[sample.taskKind];
  return [...clean, ...names.flatMap((name) => perturb([sample], name, seed, pool))];
}
