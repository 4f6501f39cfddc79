import { setImmediate } from 'node:timers/promises';
import { type TrainingPacks, trainedScenarios, trainingFamilies } from '../diagnosis/perturbations/index.ts';
import { taskOf } from '../ingest/index.ts';
import { pictureSizeOf } from '../models/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import {
  type PerturbationName,
  type PerturbedSample,
  type TaskKind,
  taskKinds,
} from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { PackSet } from '../schemas/levels.ts';
import { mixNone, stepShares, type TrainConfig } from '../schemas/training.ts';
import type { MixedIn, StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writeSamples, writeTensors } from '../store/index.ts';
import { type AdversarialTensors, adversarialInThread } from './adversarial.ts';
import { answerableBy } from './answerable.ts';
import type { ActivityDeps } from './deps.ts';
import { durably, type StepContext } from './step.ts';
import { underNameOf } from './training-mix.ts';

export interface AugmentInput {
  /** The training split. */
  train: ArtifactRef;
  /** The champion that will be trained. */
  model: ArtifactRef;
  config: TrainConfig;
  seed: number;
  /** Another set's training split, which gives the kinds that `train` lacks. */
  mix?: MixedIn | undefined;
  /** JSON: a `PackSet`: the scenarios of its own packs are trained on, too. */
  packs?: ArtifactRef | undefined;
  /** Perturbations to leave out. */
  skip?: PerturbationName[] | undefined;
}

/** Rows of which the attack on the champion is kept. */
const attackedRows = 128;

/**
 * Writes the training rows: each sample unperturbed and, where one modality is irrelevant, under its perturbations. Beside
 * them, for some rows, the champion's image features and what the attack of the training adds to them.
 */
export function augment(deps: ActivityDeps) {
  return async (input: AugmentInput): Promise<StepOutcome<{ rows: number }>> => {
    const { config, mix, model, packs, seed, skip = [], train } = input;
    const { adversarial: attack } = config;
    const step = {
      name: 'augment' as const,
      label: 'training pairs',
      uses: ['diagnosis/perturbations', 'models', 'engine'],
      packages: ['fast-png', 'onnxruntime-node', 'sharp'],
      parameters: {
        budget: budgetOf(config, taskKinds),
        attack,
        attackedRows,
        device: deps.device,
        ...(mix ? { mix: mix.kinds } : {}),
        ...(config.mix === undefined ? {} : { leaveOut: config.mix === mixNone }),
        ...(packs ? { skip } : {}),
      },
      seed,
      inputs: { train, model, ...(mix ? { mix: mix.samples } : {}), ...(packs ? { packs } : {}) },
    };
    return durably(deps, step, async (context) => {
      const folder = await deps.store.checkoutModel(model);
      const own = labelled(await answerableBy(folder, await readSamples(await deps.store.path(train))));
      const pool = withKinds(mix ? [...own, ...(await mixedIn(deps, folder, mix))] : own, config);
      const scenarios = packs ? await packsOf(deps, folder, packs, skip) : undefined;
      const rows = await trainingRows(pool, scenarios, input, context);
      const outputs: Record<string, ArtifactRef> = { rows: await writeSamples(deps.store, rows) };
      const attacked = attackedAmong(rows);
      if (attacked.length > 0) {
        const { deltas, features, names, shape } = await attackOn(deps, attacked, input, context);
        outputs.imageFeatures = await writeTensors(deps.store, { names, shape, data: features });
        outputs.pgdDeltas = await writeTensors(deps.store, { names, shape, data: deltas });
      }
      return { outputs, result: { rows: rows.length } };
    });
  };
}

/** What can be trained on. @throws GuardError BadInput where no sample has an answer */
function labelled(samples: readonly PerturbedSample[]): PerturbedSample[] {
  const found = samples.filter(({ answer }) => answer !== null);
  if (found.length > 0) return found;
  throw new GuardError(ErrorCode.BadInput, 'no sample of the split train has an answer: label some of them');
}

/** The samples of a mixed-in set that give the missing kinds, under names that the data of the run cannot have. */
async function mixedIn(
  { store }: ActivityDeps,
  folder: string,
  { from, kinds, samples }: NonNullable<AugmentInput['mix']>,
): Promise<PerturbedSample[]> {
  const all = await answerableBy(folder, await readSamples(await store.path(samples)));
  const found = all
    .filter(({ answer, taskKind }) => answer !== null && kinds.includes(taskKind))
    .map((sample) => ({ ...sample, id: underNameOf(sample.id), source: underNameOf(sample.source) }));
  const missing = kinds.filter((kind) => !found.some(({ taskKind }) => taskKind === kind));
  if (missing.length === 0) return found;
  throw new GuardError(
    ErrorCode.BadInput,
    `training.mix: ${from} has no labelled ${missing.join(' and no labelled ')} samples to train on; name another set, or "${mixNone}"`,
  );
}

/** @throws GuardError BadInput for kinds that are absent and not to be left out, before anything is perturbed */
function withKinds(pool: PerturbedSample[], { data, mix }: TrainConfig): PerturbedSample[] {
  const missing = taskKinds.filter((kind) => !pool.some(({ taskKind }) => taskKind === kind));
  if (missing.length === 0 || mix === mixNone || data === 'vqa') return pool;
  throw new GuardError(
    ErrorCode.BadInput,
    `no labelled ${missing.join(' and no labelled ')} samples to train on: mix them in from a benchmark (training.mix, --mix), or leave them out with "${mixNone}"`,
  );
}

async function packsOf(
  { store }: ActivityDeps,
  folder: string,
  packs: ArtifactRef,
  skip: readonly PerturbationName[],
): Promise<TrainingPacks> {
  const set = await store.getJson(packs, PackSet);
  return {
    conditions: trainedScenarios(set, skip),
    taskOf: (sample) => taskOf(sample, set.tasks)?.name,
    size: await pictureSizeOf(folder),
  };
}

async function trainingRows(
  pool: PerturbedSample[],
  packs: TrainingPacks | undefined,
  { config, seed }: AugmentInput,
  { progress, signal }: StepContext,
): Promise<PerturbedSample[]> {
  const there = taskKinds.filter((kind) => pool.some(({ taskKind }) => taskKind === kind));
  const rows: PerturbedSample[] = [];
  let families = 0;
  for await (const family of trainingFamilies(pool, budgetOf(config, there), seed, packs)) {
    rows.push(...family);
    if (families++ % 50 !== 0) continue;
    signal.throwIfAborted();
    progress(rows.length, 0);
    await setImmediate();
  }
  return rows;
}

/** Text-heavy rows whose picture must not matter: of another sample, or where there is none such, made up. */
function attackedAmong(rows: readonly PerturbedSample[]): PerturbedSample[] {
  const shown = rows.filter(
    ({ image, perturbation, taskKind }) =>
      taskKind === 'text_heavy' && perturbation !== 'origin' && image !== null,
  );
  const switched = shown.filter(({ perturbation }) => perturbation === 'switch');
  return (switched.length > 0 ? switched : shown).slice(0, attackedRows);
}

async function attackOn(
  { device, store, threads }: ActivityDeps,
  samples: PerturbedSample[],
  { config, model, seed }: AugmentInput,
  { progress, signal }: StepContext,
): Promise<AdversarialTensors> {
  const folder = await store.checkoutModel(model);
  return adversarialInThread(
    { folder, samples, attack: config.adversarial, seed, threads, device },
    { signal, onProgress: ({ done, total }) => progress(done, total) },
  );
}

/** As many samples of each kind as the training will see, so that nothing is perturbed in vain. */
function budgetOf({ batch, steps }: TrainConfig, there: readonly TaskKind[]): Record<TaskKind, number> {
  const { image_heavy, text_heavy, vqa } = stepShares(batch, there);
  return { image_heavy: steps * image_heavy, text_heavy: steps * text_heavy, vqa: steps * vqa };
}
