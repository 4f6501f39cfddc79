import { resolve } from 'node:path';
import type { GuardConfig, RolloutPolicy, StepOptions } from '../schemas/config.ts';
import { DiagnosisConfig } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Dtype } from '../schemas/model.ts';
import { TrainConfig } from '../schemas/training.ts';
import {
  type DiagnoseRequest,
  type ModelSource,
  type RobustifyRequest,
  type StepPlan,
  stepNames,
  type TrainRequest,
} from '../schemas/workflow.ts';
import { digestOf } from '../store/index.ts';
import type { LoadedConfig } from './config.ts';
import { nearestKey } from './nearest-key.ts';

/** What a command asks for; what is left out comes from the configuration. */
export interface RunOptions {
  /** The model's name. */
  model?: string;
  modelFolder?: string;
  /** Which precision of a folder that holds several. */
  dtype?: Dtype;
  /** Take the registry's champion instead of a folder. */
  champion?: boolean;
  dataFolder?: string;
  seed?: number;
  /** Name of a policy of the configuration. */
  policy?: string;
  /** Samples per condition of the diagnosis. */
  samples?: number;
  /** Training steps. */
  steps?: number;
  lora?: { rank: number; alpha: number };
  overrides?: { diagnosis?: Partial<DiagnosisConfig>; training?: Partial<TrainConfig> };
}

function stepPlan({ default: common, ...special }: GuardConfig['steps']): StepPlan {
  const entries = stepNames.map(
    (name) => [name, { ...common, ...special[name] }] satisfies [string, StepOptions],
  );
  return Object.fromEntries(entries) as StepPlan;
}

export function policyOf({ policies, policy }: GuardConfig, name = policy): RolloutPolicy {
  const found = policies.find((candidate) => candidate.name === name);
  if (found) return found;
  const names = policies.map((candidate) => candidate.name);
  const near = nearestKey(name, names);
  const hint = near ? `did you mean "${near}"?` : `there are ${names.join(', ')}`;
  throw new GuardError(ErrorCode.BadConfig, `there is no rollout policy "${name}": ${hint}`);
}

function checked<T>(what: string, schema: { parse(value: unknown): T }, value: unknown): T {
  try {
    return schema.parse(value);
  } catch (cause) {
    throw new GuardError(ErrorCode.BadConfig, `${what}: ${(cause as Error).message}`, { cause });
  }
}

function sourceOf(config: GuardConfig, options: RunOptions): ModelSource {
  if (options.champion) return { champion: true };
  const dtype = options.dtype ?? config.model.dtype;
  const folder = resolve(options.modelFolder ?? config.model.folder);
  return { folder, ...(dtype === undefined ? {} : { dtype }) };
}

export function diagnoseRequest(config: LoadedConfig, options: RunOptions): DiagnoseRequest {
  const samples = options.samples === undefined ? {} : { samples: options.samples };
  const diagnosis = { ...config.diagnosis, ...options.overrides?.diagnosis, ...samples };
  return {
    model: options.model ?? config.model.name,
    source: sourceOf(config, options),
    data: { folder: resolve(options.dataFolder ?? config.data.folder) },
    seed: options.seed ?? config.seed,
    diagnosis: checked('diagnosis', DiagnosisConfig, diagnosis),
    steps: stepPlan(config.steps),
  };
}

export function trainRequest(config: LoadedConfig, options: RunOptions): TrainRequest {
  const request = diagnoseRequest(config, options);
  const training = {
    ...config.training,
    ...options.overrides?.training,
    ...(options.steps === undefined ? {} : { steps: options.steps }),
    ...(options.lora === undefined ? {} : { lora: options.lora }),
    seed: request.seed,
  };
  return { ...request, training: checked('training', TrainConfig, training) };
}

export function robustifyRequest(config: LoadedConfig, options: RunOptions): RobustifyRequest {
  return { ...trainRequest(config, options), policy: policyOf(config, options.policy) };
}

/** Names the request in workflow ids. Time-outs and retries are no part of what is asked for. */
export function requestDigest({ steps: _, ...asked }: DiagnoseRequest) {
  return digestOf(asked);
}
