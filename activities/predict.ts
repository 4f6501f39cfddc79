import type { ArtifactRef } from '../schemas/artifact.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { EndpointUse } from '../schemas/endpoint.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writePredictions } from '../store/index.ts';
import { type Asking, answers, askingOf, isServed } from './answers.ts';
import type { ActivityDeps } from './deps.ts';
import { attempt, once } from './step.ts';

export interface PredictInput {
  /** What is predicted, for people. */
  label: string;
  model: ArtifactRef;
  /** One table, or several by condition: together, so that what they have in common is computed once. */
  samples: ArtifactRef | Record<string, ArtifactRef>;
  /** Whose answers of an endpoint count; absent: those of this workflow's run. */
  asking?: Asking;
}

/**
 * What a model answers to every sample: the output `predictions`, or one a condition. What a folder answers follows from its
 * bytes; behind an address another model may stand by the next run, so that there an equal step of another run is another step.
 */
export function predict(deps: ActivityDeps) {
  return async (input: PredictInput): Promise<StepOutcome<EndpointUse | null>> => {
    const { label, model, samples } = input;
    const asking = askingOf(input.asking);
    const tables = isTable(samples) ? { predictions: samples } : samples;
    const inputs: Record<string, ArtifactRef> = isTable(samples) ? { samples } : samples;
    return attempt(deps, { name: 'predict', label }, async (attempting) => {
      const served = await isServed(deps.store, model);
      const step = {
        name: 'predict' as const,
        label,
        uses: ['models', 'engine'],
        packages: ['onnxruntime-node', '@huggingface/tokenizers', '@huggingface/jinja', 'sharp'],
        parameters: { device: deps.device, ...(served ? { asking } : {}) },
        seed: null,
        inputs: { model, ...inputs },
      };
      return once(deps, step, attempting, async (context) => {
        const { store } = deps;
        const folder = await store.checkoutModel(model);
        const asked: PerturbedSample[][] = [];
        for (const table of Object.values(tables)) asked.push(await readSamples(await store.path(table)));
        const { predictions, use } = await answers(deps, folder, asked.flat(), { ...context, asking });
        const outputs: Record<string, ArtifactRef> = {};
        for (const [i, name] of Object.keys(tables).entries()) {
          outputs[name] = await writePredictions(store, predictions.splice(0, asked[i]!.length));
        }
        return { outputs, result: use };
      });
    });
  };
}

function isTable(samples: PredictInput['samples']): samples is ArtifactRef {
  return typeof samples.digest === 'string';
}
