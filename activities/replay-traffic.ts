import { catalogue, perturb } from '../diagnosis/perturbations/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { TaskKind } from '../schemas/benchmark.ts';
import { type RolloutStage, rolloutStages } from '../schemas/config.ts';
import type { Perturbing, StepOutcome } from '../schemas/workflow.ts';
import { digestOf, writeSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { intervened, settingOf } from './interventions.ts';
import { durably } from './step.ts';
import { comparable, type Window, windowsOf } from './windows.ts';

export interface ReplayTrafficInput {
  stage: RolloutStage;
  /** Held-out samples. */
  traffic: ArtifactRef;
  /** Who answers: it is not asked what it has no letters for. Absent in steps that a worker of before had planned. */
  model?: ArtifactRef;
  /** Most requests of each task kind. */
  count: number;
  /** The stage's part of the samples; absent in steps that a worker of before had planned: one of as many as there are stages. */
  window?: Window;
  /** Absent in steps that a worker of before had planned: the catalogue. */
  perturbing?: Perturbing;
  seed: number;
}

/**
 * The requests of one rollout stage: a window of the held-out samples as they are (`clean`) and, where one modality is
 * irrelevant, half of the window under a perturbation (`disturbed`). No source item is in the windows of two stages.
 */
export function replayTraffic(deps: ActivityDeps) {
  return async (input: ReplayTrafficInput): Promise<StepOutcome<{ requests: number }>> => {
    const { count, model, perturbing = { skip: [] }, seed, stage, traffic } = input;
    const { window = { index: rolloutStages.indexOf(stage), of: rolloutStages.length } } = input;
    const { level, packs, skip } = perturbing;
    const step = {
      name: 'replayTraffic' as const,
      label: `requests of stage ${stage}`,
      uses: ['diagnosis/perturbations', 'ingest'],
      packages: ['fast-png', 'sharp'],
      parameters: { stage, count, window, level: level ?? null, skip, catalogue: digestOf(catalogue()) },
      seed,
      inputs: { traffic, ...(model ? { model } : {}), ...(packs ? { packs } : {}) },
    };
    return durably(deps, step, async () => {
      const { store } = deps;
      const folder = model ? await store.checkoutModel(model) : null;
      const held = await comparable(await store.path(traffic), folder);
      const own = windowsOf(held, window.of, count, seed)[window.index] ?? [];
      const clean = perturb(own, 'origin', seed, own);
      const half = own.filter(({ taskKind }) => taskKind !== TaskKind.Vqa).filter((_, i) => i % 2 === 0);
      const setting = await settingOf(store, perturbing, folder, seed);
      // Photos to switch to are of the window, too: nothing of a stage is seen in another.
      const disturbed = await intervened(half, own, setting, skip, stage);
      const outputs = {
        clean: await writeSamples(store, clean),
        disturbed: await writeSamples(store, disturbed),
      };
      return { outputs, result: { requests: clean.length + disturbed.length } };
    });
  };
}
