import { perturb } from '../diagnosis/perturbations/index.ts';
import { Random } from '../random/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { type CatalogueName, type PerturbedSample, TaskKind, taskKinds } from '../schemas/benchmark.ts';
import { type RolloutStage, rolloutStages } from '../schemas/config.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writeSamples } from '../store/index.ts';
import { answerableBy } from './answerable.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface ReplayTrafficInput {
  stage: RolloutStage;
  /** Held-out samples. */
  traffic: ArtifactRef;
  /** Who answers: it is not asked what it has no letters for. Absent in steps that a worker of before had planned. */
  model?: ArtifactRef;
  /** Requests of each task kind. */
  count: number;
  seed: number;
}

/** What requests carry besides the question: what people and web pages put there, never what training saw alone. */
const interventions: Record<'image_heavy' | 'text_heavy', CatalogueName[]> = {
  image_heavy: ['unrelated_text', 'misleading_text', 'misleading_text_unseen', 'ocr_text'],
  text_heavy: ['full_black', 'full_white', 'random_pixels', 'switch', 'ui_screenshot', 'image_unseen'],
};

/**
 * The requests of one rollout stage: a window of the held-out samples as they are (`clean`) and, where one modality is
 * irrelevant, half of the window under a perturbation (`disturbed`). Windows of later stages begin where the last ended.
 */
export function replayTraffic(deps: ActivityDeps) {
  return async (input: ReplayTrafficInput): Promise<StepOutcome<{ requests: number }>> => {
    const { count, model, seed, stage, traffic } = input;
    const step = {
      name: 'replayTraffic',
      label: `requests of stage ${stage}`,
      uses: ['diagnosis/perturbations'],
      packages: ['fast-png'],
      parameters: { stage, count },
      seed,
      inputs: { traffic, ...(model ? { model } : {}) },
    };
    return durably(deps, step, async () => {
      const held = await readSamples(await deps.store.path(traffic));
      const pool = model ? await answerableBy(await deps.store.checkoutModel(model), held) : held;
      const windows = taskKinds.map((kind) => {
        const order = new Random(seed, 'traffic', kind).shuffle(pool.filter((s) => s.taskKind === kind));
        return windowOf(order, rolloutStages.indexOf(stage), count);
      });
      const clean = perturb(windows.flat(), 'origin', seed, pool);
      const disturbed = windows.flatMap((window) => disturb(window, stage, seed, pool));
      const outputs = {
        clean: await writeSamples(deps.store, clean),
        disturbed: await writeSamples(deps.store, disturbed),
      };
      return { outputs, result: { requests: clean.length + disturbed.length } };
    });
  };
}

/** In the order of ids, so that stages that replay the same requests share their answers. */
function windowOf(samples: readonly PerturbedSample[], index: number, count: number): PerturbedSample[] {
  const size = Math.min(count, samples.length);
  const window = Array.from(
    { length: size },
    (_, i) => samples[(index * size + i) % samples.length] as PerturbedSample,
  );
  return window.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function disturb(
  window: readonly PerturbedSample[],
  stage: RolloutStage,
  seed: number,
  pool: readonly PerturbedSample[],
): PerturbedSample[] {
  return window.flatMap((sample, i) => {
    if (sample.taskKind === TaskKind.Vqa || i % 2 === 1) return [];
    const random = new Random(seed, 'interventions', stage, sample.id);
    return perturb([sample], random.pick(interventions[sample.taskKind]), seed, pool);
  });
}
