import { z } from 'zod';
import { diagnosisFigures, hintsOf } from '../diagnosis/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { Diagnosis } from '../schemas/diagnosis.ts';
import { AttackPoint } from '../schemas/report.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readPredictions, readSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface SummarizeInput {
  /** Tables by condition. */
  samples: Record<string, ArtifactRef>;
  predictions: Record<string, ArtifactRef>;
  /** JSON: attack points. */
  attacks: Record<string, ArtifactRef>;
}

/** The figures of a diagnosis, from its predictions and attack points. */
export function summarize(deps: ActivityDeps) {
  return async ({ attacks, predictions, samples }: SummarizeInput): Promise<StepOutcome<null>> => {
    const step = {
      name: 'summarize',
      label: 'figures',
      uses: ['diagnosis'],
      parameters: {},
      seed: null,
      inputs: {
        ...prefixed('samples', samples),
        ...prefixed('predictions', predictions),
        ...prefixed('attacks', attacks),
      },
    };
    return durably(deps, step, async () => {
      const { store } = deps;
      const answers: Prediction[] = [];
      for (const ref of Object.values(predictions))
        answers.push(...(await readPredictions(await store.path(ref))));
      const hinted: PerturbedSample[] = [];
      for (const ref of Object.values(samples)) hinted.push(...(await readSamples(await store.path(ref))));
      const points = await Promise.all(
        Object.values(attacks).map((ref) => store.getJson(ref, z.array(AttackPoint))),
      );
      const diagnosis: Diagnosis = {
        figures: diagnosisFigures(answers, hintsOf(hinted)),
        attacks: points.flat(),
      };
      return { outputs: { diagnosis: await store.putJson(diagnosis) }, result: null };
    });
  };
}

export function prefixed(prefix: string, refs: Record<string, ArtifactRef>): Record<string, ArtifactRef> {
  return Object.fromEntries(Object.entries(refs).map(([name, ref]) => [`${prefix}/${name}`, ref]));
}
