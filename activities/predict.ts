import { predictInThread } from '../models/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writePredictions } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface PredictInput {
  /** What is predicted, for people. */
  label: string;
  model: ArtifactRef;
  samples: ArtifactRef;
}

/** What a model answers to every sample of a table. */
export function predict(deps: ActivityDeps) {
  return async ({ label, model, samples }: PredictInput): Promise<StepOutcome<null>> => {
    const step = {
      name: 'predict',
      label,
      uses: ['models', 'engine'],
      packages: ['onnxruntime-node'],
      parameters: {},
      seed: null,
      inputs: { model, samples },
    };
    return durably(deps, step, async ({ progress, signal }) => {
      const { store, threads } = deps;
      const folder = await store.checkoutModel(model);
      const predictions = await predictInThread(folder, await readSamples(await store.path(samples)), {
        threads,
        signal,
        onProgress: ({ done, total }) => progress(done, total),
      });
      return { outputs: { predictions: await writePredictions(store, predictions) }, result: null };
    });
  };
}
