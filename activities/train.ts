import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { LossPoint } from '../schemas/report.ts';
import type { TrainConfig } from '../schemas/training.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { readSamples, writeLosses } from '../store/index.ts';
import { trainInThread } from '../training/index.ts';
import { Checkpoints } from './checkpoints.ts';
import type { ActivityDeps } from './deps.ts';
import { durably, type StepContext } from './step.ts';

export interface TrainInput {
  model: ArtifactRef;
  /** The model's name. */
  name: string;
  /** What `augment` made: `rows` is the Parquet table to train on. */
  augmented: Record<string, ArtifactRef>;
  config: TrainConfig;
  seed: number;
}

export interface TrainSummary {
  steps: number;
  /** Steps that an attempt before this one had done; 0: it began at the beginning. */
  resumedFrom: number;
  /** Median of this attempt's steps; null: it had none left to do. */
  secondsPerStep: number | null;
}

/** A training keeps about this many checkpoints. */
const checkpointsPerRun = 10;

/** Trains a model; after a broken attempt it goes on from the newest checkpoint, to the same weights. */
export function train(deps: ActivityDeps) {
  return async ({ augmented, config, model, name, seed }: TrainInput): Promise<StepOutcome<TrainSummary>> => {
    const step = {
      name: 'train' as const,
      label: `training ${name}`,
      uses: ['training', 'models', 'engine'],
      packages: ['onnxruntime-node'],
      parameters: { name, config, device: deps.device },
      seed,
      inputs: { model, rows: augmented.rows! },
    };
    return durably(deps, step, async (context) => {
      const scratch = await mkdtemp(join(await scratchFolder(deps), 'train-'));
      try {
        return await trainIn(scratch, deps, { augmented, config, model, name, seed }, context);
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    });
  };
}

async function scratchFolder({ stateDir }: ActivityDeps): Promise<string> {
  const folder = join(stateDir, 'scratch');
  await mkdir(folder, { recursive: true });
  return folder;
}

async function trainIn(
  scratch: string,
  deps: ActivityDeps,
  { augmented, config, model, name }: TrainInput,
  { cacheKey, checkpoint, previous, progress, signal }: StepContext,
) {
  const { device, stateDir, store } = deps;
  const checkpoints = new Checkpoints(store, stateDir, cacheKey);
  const resume = await checkpoints.newest(previous?.checkpoint);
  const keeping: Promise<void>[] = [];
  const outFolder = join(scratch, 'model');
  const { losses, secondsPerStep } = await trainInThread(
    {
      modelFolder: await store.checkoutModel(model),
      modelName: name,
      rows: await readSamples(await store.path(augmented.rows!)),
      config,
      device,
      resumeFrom: resume?.file,
      outFolder,
      checkpointFolder: scratch,
      checkpointEvery: Math.max(1, Math.ceil(config.steps / checkpointsPerRun)),
    },
    {
      signal,
      onStep: ({ step }: LossPoint) => progress(step + 1, config.steps),
      onCheckpoint: (file, step) => keeping.push(checkpoints.keep(file, step).then(checkpoint)),
    },
  );
  await Promise.all(keeping);
  const outputs = { model: await store.putModel(outFolder, name), losses: await writeLosses(store, losses) };
  await checkpoints.forget();
  return { outputs, result: { steps: losses.length, resumedFrom: resume?.step ?? 0, secondsPerStep } };
}
