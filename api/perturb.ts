import { firstOf, orderOf, type Setting, type Table, tablesOf } from '../activities/perturb-tables.ts';
import { conditionsFor } from '../diagnosis/perturbations/index.ts';
import {
  type PerturbationName,
  type PerturbedSample,
  type Sample,
  type TaskKind,
  taskKinds,
} from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { type Answers, makingFor } from './model.ts';

export interface PerturbOptions {
  /** Names of the catalogue; by default all that `perturbationsOf` gives for a sample's kind. */
  perturbations?: readonly PerturbationName[];
  /** Draws texts and pictures; 7 by default. The same samples and seed give the same result. */
  seed?: number;
  /** Pictures are made in the size that it takes; by default in that of the embedded model. */
  model?: Answers;
}

/** How a catalogue without packs and levels is put together. */
export function settingFor(model: Answers | undefined, seed: number, count: number): Setting {
  return { ...makingFor(model), count, level: undefined, seed, set: { tasks: [], packs: [] } };
}

const bare = (name: string) => name.replace(/_control$/, '');

/** Names of the catalogue for a kind of task, `origin` (nothing is done) first. Empty but for that where both modalities are needed. */
export function perturbationsOf(kind: TaskKind): PerturbationName[] {
  return ['origin', ...conditionsFor(kind).filter((name) => name !== 'origin')];
}

/** Throws GuardError BAD_INPUT naming what the catalogue does not have, and what it has. */
export function checkNames(names: readonly PerturbationName[]): void {
  const known = new Set(taskKinds.flatMap(perturbationsOf));
  const wrong = names.find((name) => !known.has(bare(name)));
  if (wrong === undefined) return;
  const what = `the catalogue has no perturbation "${wrong}"; expected one of ${[...known].join(', ')}`;
  throw new GuardError(ErrorCode.BadInput, what);
}

/** Throws GuardError BAD_INPUT naming the first sample whose id another one of its kind has. */
export function checkIds(samples: readonly Sample[]): void {
  const seen = new Set<string>();
  for (const { id, taskKind } of samples) {
    const key = `${taskKind}/${id}`;
    if (seen.has(key)) {
      const what = `two ${taskKind} samples have the id "${id}"; give each its own`;
      throw new GuardError(ErrorCode.BadInput, what);
    }
    seen.add(key);
  }
}

/** Tables of a kind of task that carry one of these names. */
function wantedTables(
  kind: TaskKind,
  samples: readonly Sample[],
  setting: Setting,
  names: ReadonlySet<string>,
): Table[] {
  return tablesOf(kind, samples, setting).filter(({ name }) => names.has(name));
}

/**
 * Samples under interventions on the modality that does not decide; question, options, answer and id stay. One row a sample and
 * perturbation, kind by kind, `origin` first; what does not apply to a sample (of another kind, a picture to swap that is not there) is
 * left out. Texts and pictures of the other samples are drawn from, so give them all at once. Throws GuardError BAD_INPUT naming the
 * sample or the perturbation.
 */
export async function perturb(
  samples: readonly Sample[],
  { model, perturbations, seed = 7 }: PerturbOptions = {},
): Promise<PerturbedSample[]> {
  checkIds(samples);
  checkNames(perturbations ?? []);
  const setting = settingFor(model, seed, samples.length);
  const rows: PerturbedSample[] = [];
  for (const kind of taskKinds) {
    const names = new Set<string>(perturbations ?? perturbationsOf(kind));
    const own = samples.filter(({ taskKind }) => taskKind === kind);
    if (names.has('origin'))
      rows.push(...own.map((sample) => ({ ...sample, perturbation: 'origin', variant: '', hinted: null })));
    for (const table of wantedTables(kind, samples, setting, names))
      for (const row of await firstOf(table, own, own.length, kind)) rows.push(row);
  }
  return rows;
}

/** What a diagnosis asks: as many samples a condition as `setting.count`, and the clean ones that belong beside them. */
export async function asked(
  samples: readonly Sample[],
  setting: Setting,
  skip: ReadonlySet<string>,
): Promise<PerturbedSample[]> {
  const rows: PerturbedSample[] = [];
  for (const kind of taskKinds) {
    const order = orderOf(kind, samples, setting.seed);
    const made: PerturbedSample[] = [];
    for (const table of tablesOf(kind, samples, setting)) {
      if (skip.has(table.name) || skip.has(bare(table.name))) continue;
      for (const row of await firstOf(table, order, setting.count, kind)) made.push(row);
    }
    const used = new Set(made.map(({ id }) => id));
    const clean = order.filter(({ id }, i) => i < setting.count || used.has(id));
    for (const sample of clean) rows.push({ ...sample, perturbation: 'origin', variant: '', hinted: null });
    for (const row of made) rows.push(row);
  }
  return rows;
}
