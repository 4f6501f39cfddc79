import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Diagnosed } from '../diagnosis/index.ts';
import { checkEndpoint, endpointFile, endpointId, isEndpoint, noGradients } from '../models/index.ts';
import type { GuardConfig, PilotConfig, RolloutPolicy, StepOptions } from '../schemas/config.ts';
import { DiagnosisConfig } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { GateRule } from '../schemas/gate.ts';
import type { Level } from '../schemas/levels.ts';
import type { Dtype } from '../schemas/model.ts';
import { nearestKey } from '../schemas/nearest-key.ts';
import { TrainConfig } from '../schemas/training.ts';
import {
  type DiagnoseRequest,
  type ModelSource,
  type PilotRequest,
  type RobustifyRequest,
  type StepPlan,
  stepNames,
  type TrainRequest,
} from '../schemas/workflow.ts';
import { digestOf } from '../store/index.ts';
import type { LoadedConfig } from './config.ts';
import { checkName, modelNameOf } from './model-name.ts';

/** What a command asks for; what is left out comes from the configuration. */
export interface RunOptions {
  /** The model's name. */
  model?: string;
  modelFolder?: string;
  /** Which precision of a folder that holds several. */
  dtype?: Dtype;
  /** A model behind a server; a folder with endpoint.json says more. */
  endpoint?: { baseUrl: string; model: string };
  /** Answers of a model behind a server to earlier runs count, too. */
  reuseAnswers?: boolean;
  /** Take the registry's champion instead of a folder. */
  champion?: boolean;
  dataFolder?: string;
  seed?: number;
  /** Name of a policy of the configuration. */
  policy?: string;
  /** Nobody sits at the terminal, and nobody is expected to decide elsewhere. */
  unattended?: boolean;
  /** Samples per condition of the diagnosis. */
  samples?: number;
  /** How hard the diagnosis tries. */
  level?: Level;
  /** Task file, and scenario packs beside those of the configuration. */
  tasks?: string;
  scenarios?: readonly string[];
  /** Rules that the diagnosis will be judged by, and the earlier one that it will be compared with: checked before the work. */
  rules?: readonly GateRule[];
  against?: Diagnosed;
  /** What is named was looked for already (`checkWork`). */
  checked?: boolean;
  /** Training steps. */
  steps?: number;
  /** Short trainings and a gate before the real one. */
  pilot?: boolean;
  lora?: { rank: number; alpha: number };
  /** Where the kinds of task come from that the training data lack: `training.mix`. */
  mix?: string;
  overrides?: {
    diagnosis?: Partial<DiagnosisConfig>;
    training?: Partial<TrainConfig>;
    pilot?: Partial<PilotConfig>;
  };
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

function checked<T>(what: string, schema: z.ZodType<T>, value: unknown): T {
  const { data, error } = schema.safeParse(value);
  if (error) throw new GuardError(ErrorCode.BadConfig, `${what}:\n${z.prettifyError(error)}`);
  return data as T;
}

function sourceOf(config: GuardConfig, options: RunOptions): ModelSource {
  if (options.champion) return { champion: true };
  const dtype = options.dtype ?? config.model.dtype;
  const folder = resolve(options.modelFolder ?? config.model.folder);
  return { folder, ...(dtype === undefined ? {} : { dtype }) };
}

/** A folder with endpoint.json for a model that was named by its address. Throws GuardError BAD_CONFIG. */
async function endpointFolder(stateDir: string, endpoint: RunOptions['endpoint'] & object): Promise<string> {
  checkEndpoint(endpoint, '--model and --model-name');
  const folder = join(stateDir, 'endpoints', endpointId(endpoint), 'model');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, endpointFile), `${JSON.stringify(endpoint, null, 2)}\n`);
  return folder;
}

/**
 * The options with a folder for a model that was named by its address, and with the model's name: as it is given, else that of
 * the folder. A name alone, other than the configuration's, is that of a champion. Throws GuardError BAD_CONFIG.
 */
export async function resolved<Options extends RunOptions>(
  { config, stateDir }: { config: LoadedConfig; stateDir: string },
  options: Options,
): Promise<Options & { model: string }> {
  const { endpoint, model } = options;
  const modelFolder = endpoint ? await endpointFolder(stateDir, endpoint) : options.modelFolder;
  if (model !== undefined) checkName(model, 'the name of the model');
  if (modelFolder === undefined) {
    const named = model !== undefined && model !== config.model.name;
    return { ...options, model: model ?? config.model.name, ...(named ? { champion: true } : {}) };
  }
  const own = resolve(modelFolder) === resolve(config.model.folder);
  const name = model ?? (own ? config.model.name : await modelNameOf(modelFolder));
  return { ...options, modelFolder, model: name };
}

/** Whether gradients, which attacks and training need, are out of reach. */
function behindServer(source: ModelSource): boolean {
  return 'folder' in source && isEndpoint(source.folder);
}

export function diagnoseRequest(config: LoadedConfig, options: RunOptions): DiagnoseRequest {
  const samples = options.samples === undefined ? {} : { samples: options.samples };
  const level = options.level === undefined ? {} : { level: options.level };
  const diagnosis = { ...config.diagnosis, ...options.overrides?.diagnosis, ...samples, ...level };
  const source = sourceOf(config, options);
  const served = behindServer(source);
  if (served) diagnosis.attack = { ...diagnosis.attack, kinds: [] };
  if (options.reuseAnswers && !served) {
    const what =
      '--reuse-answers is for a model behind a server: of a folder the same steps are taken from the store as it is';
    throw new GuardError(ErrorCode.BadConfig, what);
  }
  return {
    model: options.model ?? config.model.name,
    source,
    data: { folder: resolve(options.dataFolder ?? config.data.folder) },
    seed: options.seed ?? config.seed,
    diagnosis: checked('diagnosis', DiagnosisConfig, diagnosis),
    steps: stepPlan(config.steps),
    ...(served ? { served: true as const } : {}),
    ...(options.reuseAnswers ? { answers: { reuse: true as const } } : {}),
  };
}

export function trainRequest(config: LoadedConfig, options: RunOptions): TrainRequest {
  const request = diagnoseRequest(config, options);
  if (behindServer(request.source)) throw new GuardError(ErrorCode.BadConfig, noGradients);
  const training = {
    ...config.training,
    ...options.overrides?.training,
    ...(options.steps === undefined ? {} : { steps: options.steps }),
    ...(options.lora === undefined ? {} : { lora: options.lora }),
    ...(options.mix === undefined ? {} : { mix: options.mix }),
    seed: request.seed,
  };
  return { ...request, training: checked('training', TrainConfig, training) };
}

export function pilotRequest(config: LoadedConfig, options: RunOptions): PilotRequest {
  const { enabled: _, ...pilot } = config.pilot;
  return { ...trainRequest(config, options), pilot: { ...pilot, ...options.overrides?.pilot } };
}

export function robustifyRequest(config: LoadedConfig, options: RunOptions): RobustifyRequest {
  const { pilot, ...request } = pilotRequest(config, options);
  const policy = policyOf(config, options.policy);
  return {
    ...request,
    policy,
    ...((options.pilot ?? config.pilot.enabled) ? { pilot } : {}),
    // A policy that asks people before stages waits for them, at whatever terminal.
    ...(options.unattended && policy.automatic ? { unattended: true as const } : {}),
  };
}

/**
 * Names the request in workflow ids. Time-outs, retries, who sits at the terminal and which run is taken up are no part of what is
 * asked for.
 */
export function requestDigest(request: DiagnoseRequest & Pick<RobustifyRequest, 'unattended'>) {
  const { answers, steps: _, unattended: __, ...asked } = request;
  return digestOf({ ...asked, ...(answers?.reuse ? { answers: { reuse: true } } : {}) });
}
