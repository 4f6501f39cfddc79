import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { Activities } from '../../activities/index.ts';
import type { ArtifactRef } from '../../schemas/artifact.ts';
import { labelOf, type PerturbedSample, taskKinds } from '../../schemas/benchmark.ts';
import type { RolloutPolicy } from '../../schemas/config.ts';
import { type RolloutRequest, type StepPlan, stepNames } from '../../schemas/workflow.ts';
import { type ArtifactStore, readSamples, writePredictions, writeSamples } from '../../store/index.ts';
import { packageFolder } from '../../worker/config.ts';

/** Which requests a model gets wrong. */
export type Mistakes = (request: PerturbedSample, index: number) => boolean;

/**
 * In the place of two models: answers with stated mistakes, written as the real step writes them. Everything that is
 * tested reads them from the store.
 */
export function answersWith(
  store: ArtifactStore,
  mistakes: Record<string, Mistakes>,
): Pick<Activities, 'predict'> {
  return {
    async predict({ model, samples }) {
      Context.current().heartbeat({ label: 'answers', done: 0, total: 1 });
      const wrong = mistakes[model.digest];
      if (!wrong) throw new Error(`no answers for ${model.digest}`);
      const table = samples as ArtifactRef;
      const requests = await readSamples(await store.path(table));
      const predictions = await writePredictions(
        store,
        requests.map((request, i) => {
          const { id, options, perturbation, taskKind } = request;
          const answer = labelOf(request);
          const predicted = wrong(request, i) ? (answer + 1) % options.length : answer;
          const probabilities = options.map((_, option) => Number(option === predicted));
          return { id, taskKind, perturbation, answer, predicted, probabilities };
        }),
      );
      const manifest = await store.putJson({ model: model.digest, samples: table.digest });
      return { outputs: { predictions }, result: null, cached: false, seconds: 0, manifest };
    },
  };
}

export const quickSteps = Object.fromEntries(
  stepNames.map((name) => [
    name,
    { startToCloseSeconds: 60, heartbeatSeconds: 10, attempts: 3, backoffSeconds: 0.1 },
  ]),
) as StepPlan;

export const policy: RolloutPolicy = {
  name: 'standard',
  approvals: ['canary-5', 'full'],
  automatic: false,
  approvalTimeoutSeconds: 60,
  margins: { perturbed: 0, clean: 0.02, vqa: 0.04 },
  requests: 60,
};

/** A rollout of two models that exist by name only: their answers are stated by `answersWith`. */
export async function rolloutRequest(
  store: ArtifactStore,
  model: string,
  changed: Partial<RolloutPolicy> = {},
): Promise<RolloutRequest> {
  const heldout = await readSamples(join(packageFolder(), 'data/benchmark/heldout.parquet'));
  const few = taskKinds.flatMap((kind) => heldout.filter((s) => s.taskKind === kind).slice(0, 60));
  const named = async (role: string): Promise<ArtifactRef> => {
    const config = await store.putJson({ role });
    return store.putJson({ kind: 'model', name: model, files: { 'config.json': config } });
  };
  return {
    model,
    champion: await named('champion'),
    challenger: await named('challenger'),
    traffic: await writeSamples(store, few),
    seed: 1,
    policy: { ...policy, ...changed },
    steps: quickSteps,
  };
}
