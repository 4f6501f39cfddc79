import { predictInThread } from '../models/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writePredictions } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface PredictInput {
  /** What is predicted, for people. */
  label: string;
  model: ArtifactRef;
  /** One table, or several by condition: together, so that what they have in common is computed once. */
  samples: ArtifactRef | Record<string, ArtifactRef>;
}

/** What a model answers to every sample: the output `predictions`, or one a condition. */
export function predict(deps: ActivityDeps) {
  return async ({ label, model, samples }: PredictInput): Promise<StepOutcome<null>> => {
    const tables = isTable(samples) ? { predictions: samples } : samples;
    const inputs: Record<string, ArtifactRef> = isTable(samples) ? { samples } : samples;
    const step = {
      name: 'predict',
      label,
      uses: ['models', 'engine'],
      packages: ['onnxruntime-node', '@huggingface/transformers'],
      parameters: {},
      seed: null,
      inputs: { model, ...inputs },
    };
    return durably(deps, step, async ({ progress, signal }) => {
      const { store, threads } = deps;
      const folder = await store.checkoutModel(model);
      const asked: PerturbedSample[][] = [];
      for (const table of Object.values(tables)) asked.push(await readSamples(await store.path(table)));
      const predictions = await predictInThread(folder, asked.flat(), {
        threads,
        signal,
        onProgress: ({ done, total }) => progress(done, total),
      });
      const outputs: Record<string, ArtifactRef> = {};
      for (const [i, name] of Object.keys(tables).entries()) {
        outputs[name] = await writePredictions(store, predictions.splice(0, asked[i]!.length));
      }
      return { outputs, result: null };
    });
  };
}

function isTable(samples: PredictInput['samples']): samples is ArtifactRef {
  return typeof samples.digest === 'string';
}
