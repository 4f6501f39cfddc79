import { isEndpoint, openEndpoint, predictInThread } from '../models/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { EndpointUse } from '../schemas/endpoint.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writePredictions } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { durably, type StepContext } from './step.ts';

export interface PredictInput {
  /** What is predicted, for people. */
  label: string;
  model: ArtifactRef;
  /** One table, or several by condition: together, so that what they have in common is computed once. */
  samples: ArtifactRef | Record<string, ArtifactRef>;
}

/** What a model answers to every sample: the output `predictions`, or one a condition. */
export function predict(deps: ActivityDeps) {
  return async ({ label, model, samples }: PredictInput): Promise<StepOutcome<EndpointUse | null>> => {
    const tables = isTable(samples) ? { predictions: samples } : samples;
    const inputs: Record<string, ArtifactRef> = isTable(samples) ? { samples } : samples;
    const step = {
      name: 'predict',
      label,
      uses: ['models', 'engine'],
      packages: ['onnxruntime-node', '@huggingface/transformers', 'sharp'],
      parameters: { device: deps.device },
      seed: null,
      inputs: { model, ...inputs },
    };
    return durably(deps, step, async (context) => {
      const { store } = deps;
      const folder = await store.checkoutModel(model);
      const asked: PerturbedSample[][] = [];
      for (const table of Object.values(tables)) asked.push(await readSamples(await store.path(table)));
      const { predictions, use } = await answers(deps, folder, asked.flat(), context);
      const outputs: Record<string, ArtifactRef> = {};
      for (const [i, name] of Object.keys(tables).entries()) {
        outputs[name] = await writePredictions(store, predictions.splice(0, asked[i]!.length));
      }
      return { outputs, result: use };
    });
  };
}

function isTable(samples: PredictInput['samples']): samples is ArtifactRef {
  return typeof samples.digest === 'string';
}

/** Waiting for a server blocks nothing: an endpoint is asked from this thread, where all steps share its pace and budget. */
async function answers(
  { device, stateDir, threads }: ActivityDeps,
  folder: string,
  samples: PerturbedSample[],
  { progress, signal }: StepContext,
) {
  const watch = { signal, onProgress: (p: { done: number; total: number }) => progress(p.done, p.total) };
  if (!isEndpoint(folder))
    return { predictions: await predictInThread(folder, samples, { device, threads, ...watch }), use: null };
  const endpoint = await openEndpoint(folder, stateDir);
  try {
    return await endpoint.answer(samples, watch);
  } finally {
    await endpoint.close();
  }
}
