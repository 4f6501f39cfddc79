import { setImmediate } from 'node:timers/promises';
import { conditionsFor, perturb as perturbSamples } from '../diagnosis/perturbations/index.ts';
import { Random } from '../random/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import {
  type CatalogueName,
  type PerturbationName,
  type PerturbedSample,
  type Sample,
  taskKinds,
} from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writeSamples } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface PerturbInput {
  samples: ArtifactRef;
  /** Samples per condition. */
  count: number;
  /** Perturbations to leave out. */
  skip: PerturbationName[];
  seed: number;
}

/** One table a condition, named "<task kind>/<perturbation>". */
export function perturb(deps: ActivityDeps) {
  return async ({ count, samples, seed, skip }: PerturbInput): Promise<StepOutcome<null>> => {
    const step = {
      name: 'perturb',
      label: 'perturbations',
      uses: ['diagnosis/perturbations'],
      packages: ['fast-png'],
      parameters: { count, skip },
      seed,
      inputs: { samples },
    };
    return durably(deps, step, async ({ progress, signal }) => {
      const pool = await readSamples(await deps.store.path(samples));
      const wanted = taskKinds.map((kind) => ({
        kind,
        names: conditionsFor(kind).filter((n) => !skip.includes(n)),
      }));
      const total = wanted.reduce((sum, { names }) => sum + names.length, 0);
      const outputs: Record<string, ArtifactRef> = {};
      for (const { kind, names } of wanted) {
        const ofKind = new Random(seed, 'diagnose', kind).shuffle(pool.filter((s) => s.taskKind === kind));
        if (ofKind.length === 0) continue;
        const used = new Set<string>();
        for (const name of names.filter((n) => n !== 'origin')) {
          signal.throwIfAborted();
          const table = firstOf(perturbSamplesLazily(ofKind, name, seed, pool), count, `${kind}/${name}`);
          for (const { id } of table) used.add(id);
          outputs[`${kind}/${name}`] = await writeSamples(deps.store, table);
          progress(Object.keys(outputs).length, total);
          await setImmediate();
        }
        // Every perturbed sample needs its clean answer beside it.
        const clean = ofKind.filter(({ id }, i) => i < count || used.has(id));
        outputs[`${kind}/origin`] = await writeSamples(
          deps.store,
          perturbSamples(clean, 'origin', seed, pool),
        );
      }
      return { outputs, result: null };
    });
  };
}

/** A condition may not fit every sample: in portions, so that no more are made than needed. */
function* perturbSamplesLazily(
  samples: readonly Sample[],
  name: CatalogueName,
  seed: number,
  pool: readonly Sample[],
): Generator<PerturbedSample> {
  for (let i = 0; i < samples.length; i += 64)
    yield* perturbSamples(samples.slice(i, i + 64), name, seed, pool);
}

function firstOf(samples: Iterable<PerturbedSample>, count: number, condition: string): PerturbedSample[] {
  const taken: PerturbedSample[] = [];
  for (const sample of samples) {
    if (taken.length === count) break;
    taken.push(sample);
  }
  if (taken.length > 0) return taken;
  throw new GuardError(
    ErrorCode.BadInput,
    `${condition}: no sample of the benchmark takes this perturbation; leave it out with diagnosis.skip`,
  );
}
