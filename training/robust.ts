import { join } from 'node:path';
import { AdamW, cancelled, clipScale, cosineSchedule, gradientNorm } from '../engine/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';
import type { Device } from '../schemas/device.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { LossPoint } from '../schemas/report.ts';
import type { TrainConfig } from '../schemas/training.ts';
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { OnDevice } from './on-device.ts';
import { openTrainee } from './open.ts';
import { BatchPlanner } from './planner.ts';
import { StepRunner } from './step.ts';
import type { Trainee } from './trainee.ts';
import { runDigest } from './weights.ts';

export interface TrainTask {
  modelFolder: string;
  /** What an adapter calls its base; by default the folder's name. */
  modelName?: string | undefined;
  /** Clean rows (perturbation `origin`) and, under the same ids, their perturbed forms. */
  rows: PerturbedSample[];
  config: TrainConfig;
  /** Where it is computed; by default the processor. */
  device?: Device;
  /** A checkpoint of the same run; training goes on from it to the very weights that an undisturbed run gives. */
  resumeFrom?: string | undefined;
  /** Where the trained model goes; must not exist. */
  outFolder: string;
  /** Where checkpoints go; none are written without it. */
  checkpointFolder?: string | undefined;
  /** Steps between checkpoints. */
  checkpointEvery?: number | undefined;
}

export interface TrainHooks {
  onStep?: (point: LossPoint) => void;
  onCheckpoint?: (path: string, step: number) => void;
  /** Asked before each step; true ends the work with GuardError CANCELLED. */
  aborted?: () => boolean;
}

export interface TrainResult {
  folder: string;
  losses: LossPoint[];
  /** Median of the steps that were done here, those before `resumeFrom` left out; null: none was. */
  secondsPerStep: number | null;
}

/**
 * Robust training (arXiv 2505.19616): cross-entropy on clean and perturbed samples, the same under an attack on the irrelevant
 * modality's embeddings, and a distance between the answers to a sample and to its perturbed form. Trains the decoder
 * and the token embeddings; the vision encoder stays. Writes a model folder.
 * Throws GuardError BAD_INPUT for unfit rows or checkpoints, BAD_MODEL, BAD_CONFIG where the loss stops being a number.
 */
export async function trainRobust(task: TrainTask, hooks: TrainHooks = {}): Promise<TrainResult> {
  const { config, device = 'cpu', modelFolder, modelName, outFolder, rows } = task;
  const planner = new BatchPlanner(rows, config);
  const trainee = await openTrainee(modelFolder, config, { name: modelName, device });
  try {
    const digest = await runDigest(config, trainee.files, rows);
    const trained = await trainSteps(task, { trainee, planner, digest }, hooks);
    await trainee.write(outFolder);
    return { folder: outFolder, ...trained };
  } finally {
    await trainee.close();
  }
}

interface Run {
  trainee: Trainee;
  planner: BatchPlanner;
  digest: string;
}

interface Steps extends Run {
  onDevice: OnDevice | null;
  optimizer: AdamW;
}

type Trained = Pick<TrainResult, 'losses' | 'secondsPerStep'>;

async function trainSteps(task: TrainTask, run: Run, hooks: TrainHooks): Promise<Trained> {
  const { config } = task;
  const { parameters } = run.trainee;
  const optimizer = new AdamW({ eps: config.eps, weightDecay: config.weightDecay });
  const losses: LossPoint[] = [];
  if (task.resumeFrom) {
    const saved = await readCheckpoint(task.resumeFrom, run.digest);
    for (const [name, { data }] of saved.parameters.entries()) parameters.get(name).data.set(data);
    optimizer.restore(saved.optimizer.state, saved.optimizer.steps);
    losses.push(...(JSON.parse(saved.notes.losses ?? '[]') as LossPoint[]));
  }
  const onDevice = await OnDevice.open(task.device ?? 'cpu', run.trainee, config, optimizer);
  try {
    return await runSteps(task, { ...run, onDevice, optimizer }, losses, hooks);
  } finally {
    await onDevice?.release();
  }
}

async function runSteps(
  task: TrainTask,
  run: Steps,
  losses: LossPoint[],
  hooks: TrainHooks,
): Promise<Trained> {
  const { config } = task;
  const { onDevice, optimizer, trainee } = run;
  const { parameters } = trainee;
  const runner = new StepRunner(trainee, config, onDevice);
  const warmup = Math.ceil(config.warmup * config.steps);
  const rate = cosineSchedule({ base: config.learningRate, warmup, total: config.steps });
  const times: number[] = [];
  while (losses.length < config.steps) {
    const began = performance.now();
    if (hooks.aborted?.()) throw cancelled('the training');
    const step = losses.length;
    const { gradients, ...parts } = await runner.run(step, run.planner.step(step));
    const norm = Math.sqrt(gradientNorm(gradients) ** 2 + ((await onDevice?.sumOfSquares()) ?? 0));
    const total = parts.sft + parts.adversarial + config.lambda * parts.consistency;
    const point: LossPoint = { step, total, ...parts, learningRate: rate(step), gradientNorm: norm };
    checkFinite(point, config);
    const update = { learningRate: point.learningRate, scale: clipScale(norm, config.clip) };
    optimizer.step(parameters, gradients, update);
    await onDevice?.step(update);
    // Beside the losses, never in them: what is stored must not depend on how fast a machine is.
    times.push((performance.now() - began) / 1000);
    losses.push(point);
    hooks.onStep?.(point);
    await saveCheckpoint(task, run, losses, hooks);
  }
  await onDevice?.download(optimizer);
  return { losses, secondsPerStep: median(times) };
}

function median(values: number[]): number | null {
  const sorted = values.sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return null;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function saveCheckpoint(
  { checkpointEvery, checkpointFolder, config }: TrainTask,
  { digest, onDevice, optimizer, trainee }: Steps,
  losses: LossPoint[],
  { onCheckpoint }: TrainHooks,
): Promise<void> {
  const step = losses.length;
  if (!checkpointFolder || !checkpointEvery || step % checkpointEvery !== 0 || step === config.steps) return;
  await onDevice?.download(optimizer);
  const path = join(checkpointFolder, `checkpoint-${step}.safetensors`);
  const notes = { losses: JSON.stringify(losses) };
  await writeCheckpoint(path, { parameters: trainee.parameters, optimizer, step, digest, notes });
  onCheckpoint?.(path, step);
}

function checkFinite(point: LossPoint, { learningRate }: TrainConfig): void {
  const { step, sft, adversarial, consistency, gradientNorm } = point;
  if ([sft, adversarial, consistency, gradientNorm].every(Number.isFinite)) return;
  throw new GuardError(
    ErrorCode.BadConfig,
    `training diverged at step ${step}: cross-entropy ${sft}, adversarial ${adversarial}, consistency ${consistency}, ` +
      `gradient norm ${gradientNorm}; lower training.learningRate (${learningRate}) or check the model's weights`,
  );
}
