import {
  type Condition,
  catalogueCondition,
  conditionsFor,
  conditionsOf,
  controlOf,
  missingFields,
  type PictureSize,
  perturb as perturbSamples,
  perturbUnder,
  removalFor,
} from '../diagnosis/perturbations/index.ts';
import { taskOf } from '../ingest/index.ts';
import { renderForMini, wordsOf } from '../models/index.ts';
import { Random } from '../random/index.ts';
import {
  isControl,
  type PerturbationName,
  type PerturbedSample,
  type Sample,
  type TaskKind,
} from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { type Level, levelPacks, type PackSet, reaches } from '../schemas/levels.ts';
import { readSamples } from '../store/index.ts';
import { answerable } from './answerable.ts';

/** What shapes the tables of perturbed samples, beside the samples themselves. */
export interface Setting {
  /** Samples per condition. */
  count: number;
  level: Level | undefined;
  /** Samples with more are left out: the model has no letters for them. */
  mostOptions: number;
  seed: number;
  set: PackSet;
  size: PictureSize;
  /** What the length of a control is counted in: tokens of the mini model, or words. */
  unit: 'token' | 'word';
}

/** How long a text is; undefined: counted in words. */
const counts: Record<Setting['unit'], ((text: string) => number) | undefined> = {
  token: (text) => wordsOf(renderForMini(text)).length,
  word: undefined,
};

/** A condition and how samples get under it. */
export interface Table {
  name: PerturbationName;
  make(samples: readonly Sample[]): AsyncIterable<PerturbedSample> | Iterable<PerturbedSample>;
  /** Why it may fit none of them; '' where nothing is known. */
  whyNone(samples: readonly Sample[]): string;
}

/** The benchmark's samples that the model can be asked, each with its task of the set. @throws GuardError BadInput as `answerable` */
export async function poolOf(
  path: string,
  { mostOptions, set }: Pick<Setting, 'mostOptions' | 'set'>,
): Promise<{ pool: Sample[]; notAsked: number }> {
  return askedOf(await readSamples(path), { mostOptions, set });
}

/** As `poolOf`, of samples that are at hand. */
export function askedOf(
  all: readonly Sample[],
  { mostOptions, set }: Pick<Setting, 'mostOptions' | 'set'>,
): { pool: Sample[]; notAsked: number } {
  const pool = answerable(all, mostOptions).map((sample) => {
    const task = taskOf(sample, set.tasks);
    return task ? { ...sample, task: task.name } : sample;
  });
  return { pool, notAsked: all.length - pool.length };
}

/** What was asked for and reaches no sample would pass for measured. @throws GuardError BadInput naming the pack or the tasks */
export function checkReach({ packs, tasks }: PackSet, pool: readonly Sample[]): void {
  const fail = (message: string) => new GuardError(ErrorCode.BadInput, message);
  if (tasks.length > 0 && !pool.some((sample) => taskOf(sample, tasks))) {
    const names = tasks.map(({ name }) => name).join(', ');
    throw fail(
      `no sample of the benchmark belongs to a task of the task file (${names}); check "decides" and "match" there, or ingest with --task`,
    );
  }
  for (const { pack, tasks: of } of packs) {
    if (of !== null || (levelPacks as readonly string[]).includes(pack.name)) continue;
    const kinds = new Set(conditionsOf(pack).map(({ taskKind }) => taskKind));
    if (pool.some(({ taskKind }) => kinds.has(taskKind))) continue;
    throw fail(
      `scenario pack "${pack.name}" perturbs the ${pack.perturbs} of ${[...kinds].join()} samples, and the benchmark has none; leave the pack out`,
    );
  }
}

/** The samples of a kind in the order in which they are taken. */
export function orderOf(kind: TaskKind, pool: readonly Sample[], seed: number): Sample[] {
  return new Random(seed, 'diagnose', kind).shuffle(pool.filter((sample) => sample.taskKind === kind));
}

/** What samples of a kind are put under: the catalogue, packs, and the removal that shows guessing. */
export function tablesOf(
  kind: TaskKind,
  pool: readonly Sample[],
  { level, seed, set, size, unit }: Setting,
): Table[] {
  if (level === 'L0') return [];
  const ownTask = (sample: Sample) => taskOf(sample, set.tasks);
  const table = (condition: Condition, fits: (sample: Sample) => boolean): Table => ({
    name: condition.name,
    make: (samples) => perturbUnder(condition, samples.filter(fits), seed, pool, size, counts[unit]),
    whyNone: (samples) => missingFields(condition, samples.filter(fits)),
  });
  // Of a task with packs of its own those are the misinformation, and the catalogue only where it is among them.
  const inCatalogue = (sample: Sample) => {
    const own = ownTask(sample)?.scenarios ?? [];
    return own.length === 0 || own.some((name) => name.startsWith('catalogue-'));
  };
  const withControl = (condition: Condition) => [condition, controlOf(condition) ?? []].flat();
  const tables = conditionsFor(kind)
    .filter((name) => name !== 'origin')
    .flatMap((name) => withControl(catalogueCondition(name)!))
    .map((condition) => table(condition, inCatalogue));
  for (const { pack, tasks } of set.packs) {
    const fits = (sample: Sample) => tasks === null || tasks.includes(ownTask(sample)?.name ?? '');
    const conditions = conditionsOf(pack).filter(({ taskKind }) => taskKind === kind);
    if (pool.some((sample) => sample.taskKind === kind && fits(sample)))
      tables.push(...conditions.flatMap(withControl).map((condition) => table(condition, fits)));
  }
  const removal = removalFor(kind);
  if (removal && reaches(level, 'L1'))
    tables.push({
      name: removal,
      make: (samples) => perturbSamples(samples, removal, seed, pool),
      whyNone: () => '',
    });
  if (pool.some((sample) => sample.taskKind === kind && inCatalogue(sample))) return tables;
  return tables.filter(({ name }) => name.includes('/') || name === removal);
}

/** Packs that come with a level, the catalogue, and controls may hold conditions that fit none of a set's samples. */
const broughtAlong = (name: PerturbationName) =>
  !name.includes('/') || isControl(name) || levelPacks.some((pack) => name.startsWith(`${pack}/`));

/**
 * A condition may not fit every sample: no more are made than needed. One that nobody asked for by name may fit none, as a set of
 * texts has no photo to switch to, and is left out then. @throws GuardError BadInput for one of a pack of the team's own
 */
export async function firstOf(
  { make, name, whyNone }: Table,
  samples: readonly Sample[],
  count: number,
  kind: TaskKind,
): Promise<PerturbedSample[]> {
  const taken: PerturbedSample[] = [];
  for await (const sample of make(samples)) {
    taken.push(sample);
    if (taken.length === count) break;
  }
  if (taken.length > 0 || broughtAlong(name)) return taken;
  const why = whyNone(samples);
  throw new GuardError(
    ErrorCode.BadInput,
    `${kind}/${name}: no sample of the benchmark takes this perturbation${why && `; ${why}`}; leave it out with diagnosis.skip`,
  );
}
