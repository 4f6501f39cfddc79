import { perturb } from '../diagnosis/perturbations/index.ts';
import { Random } from '../random/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { type PerturbationName, type PerturbedSample, TaskKind, taskKinds } from '../schemas/benchmark.ts';
import { type RolloutStage, rolloutStages } from '../schemas/config.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writeSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface ReplayTrafficInput {
  stage: RolloutStage;
  /** Held-out samples. */
  traffic: ArtifactRef;
  /** Requests of each task kind. */
  count: number;
  seed: number;
}

/** What requests carry besides the question: what people and web pages put there, never what training saw alone. */
const interventions: Record<'image_heavy' | 'text_heavy', PerturbationName[]> = {
  image_heavy: ['unrelated_text', 'misleading_text', 'misleading_text_unseen', 'ocr_text'],
  text_heavy: ['full_black', 'full_white', 'random_pixels', 'switch', 'ui_screenshot', 'image_unseen'],
};

/**
 * The requests of one rollout stage: a window of the held-out samples, each clean and, where one modality is irrelevant,
 * half of the window again under a perturbation. Windows of later stages begin where the last one ended.
 */
export function replayTraffic(deps: ActivityDeps) {
  return async ({
    count,
    seed,
    stage,
    traffic,
  }: ReplayTrafficInput): Promise<StepOutcome<{ requests: number }>> => {
    const step = {
      name: 'replayTraffic',
      label: `requests of stage ${stage}`,
      uses: ['diagnosis/perturbations'],
      packages: ['fast-png'],
      parameters: { stage, count },
      seed,
      inputs: { traffic },
    };
    return durably(deps, step, async () => {
      const pool = await readSamples(await deps.store.path(traffic));
      const requests = taskKinds.flatMap((kind) => {
        const order = new Random(seed, 'traffic', kind).shuffle(pool.filter((s) => s.taskKind === kind));
        return requestsOf(kind, windowOf(order, rolloutStages.indexOf(stage), count), stage, seed, pool);
      });
      const table = await writeSamples(deps.store, requests);
      return { outputs: { requests: table }, result: { requests: requests.length } };
    });
  };
}

function windowOf<T>(items: readonly T[], index: number, count: number): T[] {
  const size = Math.min(count, items.length);
  return Array.from({ length: size }, (_, i) => items[(index * size + i) % items.length] as T);
}

function requestsOf(
  kind: TaskKind,
  window: readonly PerturbedSample[],
  stage: RolloutStage,
  seed: number,
  pool: readonly PerturbedSample[],
): PerturbedSample[] {
  if (kind === TaskKind.Vqa) return perturb(window, 'origin', seed, pool);
  const half = window.slice(0, Math.ceil(window.length / 2));
  const random = new Random(seed, 'interventions', stage, kind);
  const disturbed = half.flatMap((sample) => perturb([sample], random.pick(interventions[kind]), seed, pool));
  return [...perturb(half, 'origin', seed, pool), ...disturbed];
}
