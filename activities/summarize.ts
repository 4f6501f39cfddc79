import { diagnosisFigures, diagnosisMeasures, hintsOf, levelResults } from '../diagnosis/index.ts';
import { conditionsOf } from '../diagnosis/perturbations/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { Diagnosis } from '../schemas/diagnosis.ts';
import { type Level, PackSet } from '../schemas/levels.ts';
import { AttackFindings } from '../schemas/report.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readPredictions, readSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface SummarizeInput {
  /** Tables by condition. */
  samples: Record<string, ArtifactRef>;
  predictions: Record<string, ArtifactRef>;
  /** JSON: `AttackFindings`. */
  attacks: Record<string, ArtifactRef>;
  /** Of the bootstrap; a run that was planned without one takes 0. */
  seed?: number;
  /** Asked for: then the figures say how each level ended. */
  level?: Level | undefined;
  /** JSON: a `PackSet`, for the weights of its scenarios. */
  packs?: ArtifactRef | undefined;
}

/** The figures of a diagnosis, from its predictions and attack points. */
export function summarize(deps: ActivityDeps) {
  return async (input: SummarizeInput): Promise<StepOutcome<null>> => {
    const { attacks, level, packs, predictions, samples, seed = 0 } = input;
    const step = {
      name: 'summarize' as const,
      label: 'figures',
      uses: ['diagnosis', 'ingest'],
      parameters: { level: level ?? null },
      seed,
      inputs: {
        ...(packs ? { packs } : {}),
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
      const asked: PerturbedSample[] = [];
      for (const ref of Object.values(samples)) asked.push(...(await readSamples(await store.path(ref))));
      const stored = await Promise.all(
        Object.values(attacks).map((ref) => store.getJson(ref, AttackFindings)),
      );
      const findings = stored.flat();
      const points = findings.filter((finding) => 'eps' in finding);
      const leftOut = findings.filter((finding) => 'reason' in finding);
      const set = packs ? await store.getJson(packs, PackSet) : { tasks: [], packs: [] };
      const found = {
        figures: diagnosisFigures(
          answers,
          hintsOf(asked),
          new Map(asked.map(({ id, source }) => [id, source])),
        ),
        measures: diagnosisMeasures(asked, answers, { seed }),
      };
      const scenarios = conditionsIn(set);
      const weights = new Map(scenarios.map(({ name, scenario }) => [name, scenario.weight]));
      const helpful = new Set(found.measures.rightHints);
      const diagnosis: Diagnosis = {
        ...found,
        attacks: points,
        ...(leftOut.length > 0 ? { leftOut } : {}),
        ...(level ? { levels: levelResults(found, points, { helpful, weights }) } : {}),
      };
      return { outputs: { diagnosis: await store.putJson(diagnosis) }, result: null };
    });
  };
}

const conditionsIn = ({ packs }: PackSet) => packs.flatMap(({ pack }) => conditionsOf(pack));

export function prefixed(prefix: string, refs: Record<string, ArtifactRef>): Record<string, ArtifactRef> {
  return Object.fromEntries(Object.entries(refs).map(([name, ref]) => [`${prefix}/${name}`, ref]));
}
