import { setImmediate } from 'node:timers/promises';
import {
  type Condition,
  catalogue,
  catalogueCondition,
  conditionsFor,
  conditionsOf,
  miniPicture,
  type PictureSize,
  perturb as perturbSamples,
  perturbUnder,
  removalFor,
} from '../diagnosis/perturbations/index.ts';
import { taskOf } from '../ingest/index.ts';
import { mostOptionsOf, optionLetters, pictureSizeOf } from '../models/index.ts';
import { Random } from '../random/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import {
  type CatalogueName,
  type PerturbationName,
  type PerturbedSample,
  type Sample,
  type TaskKind,
  taskKinds,
} from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { type Level, levelPacks, PackSet, reaches } from '../schemas/levels.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { digestOf, readSamples, writeSamples } from '../store/index.ts';
import { answerable } from './answerable.ts';
import type { ActivityDeps } from './deps.ts';
import { durably } from './step.ts';

export interface PerturbInput {
  samples: ArtifactRef;
  /** Samples per condition. */
  count: number;
  /** Perturbations to leave out. */
  skip: PerturbationName[];
  seed: number;
  /** Absent: the catalogue alone, without what only levels ask for. */
  level?: Level | undefined;
  /** JSON: a `PackSet`. */
  packs?: ArtifactRef | undefined;
  /** Pictures are made in the size that this model takes. */
  model?: ArtifactRef | undefined;
}

/** One table a condition, named "<task kind>/<perturbation>". */
export function perturb(deps: ActivityDeps) {
  return async (input: PerturbInput): Promise<StepOutcome<null>> => {
    const { count, level, model, packs, samples, seed, skip } = input;
    const folder = model && (await deps.store.checkoutModel(model));
    const size = folder === undefined ? miniPicture : await pictureSizeOf(folder);
    const mostOptions = folder === undefined ? optionLetters.length : await mostOptionsOf(folder);
    const step = {
      name: 'perturb',
      label: 'perturbations',
      uses: ['diagnosis/perturbations'],
      packages: ['fast-png', 'sharp'],
      parameters: { count, skip, catalogue: digestOf(catalogue()), size, mostOptions, level: level ?? null },
      seed,
      inputs: { samples, ...(packs ? { packs } : {}) },
    };
    return durably(deps, step, async ({ progress, signal }) => {
      const pool = answerable(await readSamples(await deps.store.path(samples)), mostOptions);
      const set = packs ? await deps.store.getJson(packs, PackSet) : { tasks: [], packs: [] };
      const setting = { level, seed, pool, set, size };
      const wanted = taskKinds.map((kind) => ({
        kind,
        tables: tablesOf(kind, setting).filter(({ name }) => !skip.includes(name)),
      }));
      const total = wanted.reduce((sum, { tables }) => sum + tables.length + 1, 0);
      const outputs: Record<string, ArtifactRef> = {};
      for (const { kind, tables } of wanted) {
        const ofKind = new Random(seed, 'diagnose', kind).shuffle(pool.filter((s) => s.taskKind === kind));
        if (ofKind.length === 0) continue;
        const used = new Set<string>();
        for (const { make, name } of tables) {
          signal.throwIfAborted();
          const table = await firstOf(make(ofKind), count, kind, name);
          if (table.length === 0) continue;
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

interface Setting {
  level: Level | undefined;
  seed: number;
  pool: readonly Sample[];
  set: PackSet;
  size: PictureSize;
}

/** A condition and how samples get under it. */
interface Table {
  name: PerturbationName;
  make(samples: readonly Sample[]): AsyncIterable<PerturbedSample> | Iterable<PerturbedSample>;
}

/** What samples of a kind are put under: the catalogue, packs, and the removal that shows guessing. */
function tablesOf(kind: TaskKind, { level, pool, seed, set, size }: Setting): Table[] {
  if (level === 'L0') return [];
  const ownTask = (sample: Sample) => taskOf(sample, set.tasks);
  const table = (condition: Condition, fits: (sample: Sample) => boolean): Table => ({
    name: condition.name,
    make: (samples) => perturbUnder(condition, samples.filter(fits), seed, pool, size),
  });
  // Of a task with packs of its own those are the misinformation, and the catalogue only where it is among them.
  const inCatalogue = (sample: Sample) => {
    const own = ownTask(sample)?.scenarios ?? [];
    return own.length === 0 || own.some((name) => name.startsWith('catalogue-'));
  };
  const tables = conditionsFor(kind)
    .filter((name) => name !== 'origin')
    .map((name) => table(catalogueCondition(name as CatalogueName)!, inCatalogue));
  for (const { pack, tasks } of set.packs) {
    const fits = (sample: Sample) => tasks === null || tasks.includes(ownTask(sample)?.name ?? '');
    const conditions = conditionsOf(pack).filter(({ taskKind }) => taskKind === kind);
    if (pool.some((sample) => sample.taskKind === kind && fits(sample)))
      tables.push(...conditions.map((condition) => table(condition, fits)));
  }
  const removal = removalFor(kind);
  if (removal && reaches(level, 'L1'))
    tables.push({ name: removal, make: (samples) => perturbSamples(samples, removal, seed, pool) });
  if (pool.some((sample) => sample.taskKind === kind && inCatalogue(sample))) return tables;
  return tables.filter(({ name }) => name.includes('/') || name === removal);
}

/** Packs that come with a level, and the catalogue, may hold conditions that fit none of a set's samples. */
const broughtAlong = (name: PerturbationName) =>
  !name.includes('/') || levelPacks.some((pack) => name.startsWith(`${pack}/`));

/**
 * A condition may not fit every sample: no more are made than needed. One that nobody asked for by name may fit none, as a set of
 * texts has no photo to switch to, and is left out then. @throws GuardError BadInput for one of a pack of the team's own
 */
async function firstOf(
  samples: AsyncIterable<PerturbedSample> | Iterable<PerturbedSample>,
  count: number,
  kind: TaskKind,
  name: PerturbationName,
): Promise<PerturbedSample[]> {
  const taken: PerturbedSample[] = [];
  for await (const sample of samples) {
    taken.push(sample);
    if (taken.length === count) break;
  }
  if (taken.length > 0 || broughtAlong(name)) return taken;
  throw new GuardError(
    ErrorCode.BadInput,
    `${kind}/${name}: no sample of the benchmark takes this perturbation; leave it out with diagnosis.skip`,
  );
}
