import { setImmediate } from 'node:timers/promises';
import { trainingFamilies } from '../diagnosis/perturbations/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { PerturbedSample, TaskKind } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { TrainConfig } from '../schemas/training.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writeSamples, writeTensors } from '../store/index.ts';
import { type AdversarialTensors, adversarialInThread } from './adversarial.ts';
import { answerableBy } from './answerable.ts';
import type { ActivityDeps } from './deps.ts';
import { durably, type StepContext } from './step.ts';

export interface AugmentInput {
  /** The training split. */
  train: ArtifactRef;
  /** The champion that will be trained. */
  model: ArtifactRef;
  config: TrainConfig;
  seed: number;
}

/** Rows of which the attack on the champion is kept. */
const attackedRows = 128;

/**
 * Writes the training rows: each sample unperturbed and, where one modality is irrelevant, under its perturbations. Beside
 * them, for some rows, the champion's image features and what the attack of the training adds to them.
 */
export function augment(deps: ActivityDeps) {
  return async (input: AugmentInput): Promise<StepOutcome<{ rows: number }>> => {
    const { config, model, seed, train } = input;
    const { adversarial: attack } = config;
    const step = {
      name: 'augment',
      label: 'training pairs',
      uses: ['diagnosis/perturbations', 'models', 'engine'],
      packages: ['fast-png', 'onnxruntime-node', 'sharp'],
      parameters: { budget: budgetOf(config), attack, attackedRows, device: deps.device },
      seed,
      inputs: { train, model },
    };
    return durably(deps, step, async (context) => {
      const folder = await deps.store.checkoutModel(model);
      const pool = labelled(await answerableBy(folder, await readSamples(await deps.store.path(train))));
      const rows = await trainingRows(pool, input, context);
      const { deltas, features, names, shape } = await attackOn(deps, rows, input, context);
      const outputs = {
        rows: await writeSamples(deps.store, rows),
        imageFeatures: await writeTensors(deps.store, { names, shape, data: features }),
        pgdDeltas: await writeTensors(deps.store, { names, shape, data: deltas }),
      };
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

async function trainingRows(
  pool: PerturbedSample[],
  { config, seed }: AugmentInput,
  { progress, signal }: StepContext,
): Promise<PerturbedSample[]> {
  const rows: PerturbedSample[] = [];
  let families = 0;
  for (const family of trainingFamilies(pool, budgetOf(config), seed)) {
    rows.push(...family);
    if (families++ % 50 !== 0) continue;
    signal.throwIfAborted();
    progress(rows.length, 0);
    await setImmediate();
  }
  return rows;
}

async function attackOn(
  { device, store, threads }: ActivityDeps,
  rows: PerturbedSample[],
  { config, model, seed }: AugmentInput,
  { progress, signal }: StepContext,
): Promise<AdversarialTensors> {
  const samples = rows.filter(({ perturbation }) => perturbation === 'switch').slice(0, attackedRows);
  const folder = await store.checkoutModel(model);
  return adversarialInThread(
    { folder, samples, attack: config.adversarial, seed, threads, device },
    { signal, onProgress: ({ done, total }) => progress(done, total) },
  );
}

/** As many samples of each kind as the training will see, so that nothing is perturbed in vain. */
function budgetOf({ batch, steps }: TrainConfig): Record<TaskKind, number> {
  const pairs = (steps * batch) / 8;
  return { image_heavy: pairs, text_heavy: pairs, vqa: 4 * pairs };
}
