/**
 * What workflows, activities, worker and command line agree on: names, ids, requests, results and status. Only types and
 * constants, so that workflow code can import it.
 */
import type { ArtifactRef, Digest } from './artifact.ts';
import type { PerturbationName, TaskKind } from './benchmark.ts';
import type { DiagnosisConfig, PilotConfig, RolloutPolicy, StepOptions } from './config.ts';
import type { ServedModel } from './endpoint.ts';
import type { GateRule } from './gate.ts';
import type { Level } from './levels.ts';
import type { Dtype } from './model.ts';
import type {
  ApprovalRecord,
  PairedFigures,
  RolloutPlan,
  RolloutResult,
  StageRecord,
  Verdict,
} from './report.ts';
import type { TrainConfig } from './training.ts';

/** Worker and clients of a project meet here unless `server.taskQueue` names another. */
export const taskQueue = 'modality-guard';

export const WorkflowName = {
  Robustify: 'robustify',
  Diagnose: 'diagnose',
  Train: 'train',
  Pilot: 'pilot',
  Rollout: 'rollout',
  Registry: 'registry',
  DriftWatch: 'driftWatch',
  Notice: 'notice',
} as const;

/** Search attributes (Keyword) of every workflow of ours. */
export const SearchAttribute = { Model: 'GuardModel', Stage: 'GuardStage', Verdict: 'GuardVerdict' } as const;

/** Workflow ids are business keys: a repeated start of the same request joins the running one. */
export const workflowIds = {
  robustify: (model: string, request: Digest) => `robustify/${model}/${shortDigest(request)}`,
  diagnose: (model: string, request: Digest) => `diagnose/${model}/${shortDigest(request)}`,
  train: (model: string, request: Digest) => `train/${model}/${shortDigest(request)}`,
  pilot: (model: string, request: Digest) => `pilot/${model}/${shortDigest(request)}`,
  rollout: (parent: string) => `${parent}/rollout`,
  registry: (model: string) => `registry/${model}`,
  drift: (model: string) => `drift/${model}`,
  /** What an alarm of the drift watch starts. */
  alarm: (model: string, alarm: string) => `robustify/${model}/alarm-${alarm}`,
  /** A schedule: a model may have several, each with a name of its own but one. */
  nightly: (model: string, name?: string) => `nightly/${model}${name === undefined ? '' : `/${name}`}`,
};

/** The first 16 hex digits: enough to tell requests and models apart by eye. */
export function shortDigest(digest: Digest | string): string {
  return digest.replace(/^sha256:/, '').slice(0, 16);
}

/** Where a model comes from: a folder in the Hugging Face ONNX layout, an artifact, or the registry's champion. */
export type ModelSource = { folder: string; dtype?: Dtype } | { artifact: ArtifactRef } | { champion: true };

/** Activities by step; the keys of `steps` in temporal.config.json. */
export const stepNames = [
  'importModel',
  'ingest',
  'perturb',
  'predict',
  'attack',
  'summarize',
  'augment',
  'train',
  'planRollout',
  'replayTraffic',
  'gate',
  'report',
  'registry',
  'pollLogs',
  'pilot',
  'score',
  'reportDiagnosis',
  'firstLook',
  'lastLook',
] as const;
export type StepName = (typeof stepNames)[number];
export type StepPlan = Record<StepName, StepOptions>;

interface Request {
  /** The model's name: part of every workflow id and the registry's key. */
  model: string;
  source: ModelSource;
  /** Folder of the benchmark pack. `artifact`: its files as they were when the request was made, wherever the folder is now. */
  data: { folder: string; artifact?: ArtifactRef };
  seed: number;
  diagnosis: DiagnosisConfig;
  /** JSON: a `PackSet`, the scenario packs and tasks of the diagnosis. */
  packs?: ArtifactRef;
  steps: StepPlan;
  /**
   * Whose answers of an endpoint count beside those of the run itself. `resumes`: of the run that broke off and that this one
   * takes up. `reuse`: of every run before.
   */
  answers?: { resumes?: string; reuse?: true };
  /** Of the whole run, which is ended then; absent: none. */
  limitSeconds?: number;
  /** The model stands behind an address: a run looks at its start and its end which one that is. */
  served?: true;
}
export interface DiagnoseRequest extends Request {
  /** The run writes its report by itself and judges by these rules; null: by the built-in ones. Absent: it does not. */
  report?: { rules: GateRule[] | null };
}
export interface TrainRequest extends Request {
  training: TrainConfig;
  /** Absent: the training data have every kind of task, or what they lack is left out. */
  mix?: Mix;
}
/** Another benchmark, whose training split gives the kinds that the training data lack. */
export interface Mix {
  /** What it is called: "embedded", or the folder's name. */
  from: string;
  folder: string;
  /** As of `data`. */
  artifact?: ArtifactRef;
  kinds: TaskKind[];
}
/** What of it is mixed in. `samples`: its training split. */
export type MixedIn = Pick<Mix, 'from' | 'kinds'> & { samples: ArtifactRef };
export interface PilotRequest extends TrainRequest {
  pilot: PilotConfig;
}
export interface RobustifyRequest extends TrainRequest {
  /** Absent: none. */
  pilot?: PilotConfig;
  policy: RolloutPolicy;
  /** Nobody can be asked: where the figures do not decide, an automatic policy says no in place of waiting for a person. */
  unattended?: true;
}

/** What a step gave back, with how it came about. */
export interface StepOutcome<Result = unknown> {
  outputs: Record<string, ArtifactRef>;
  result: Result;
  cached: boolean;
  /** Seconds of work; 0 from the cache. */
  seconds: number;
  manifest: ArtifactRef;
}

/** A diagnosis as references: `figures` is JSON (a `Diagnosis`), the others are Parquet tables by condition. */
export interface DiagnosisRefs {
  figures: ArtifactRef;
  samples: Record<string, ArtifactRef>;
  predictions: Record<string, ArtifactRef>;
}

export const robustifyStages = [
  'ingest',
  'diagnose',
  'augment',
  'train',
  'evaluate',
  'rollout',
  'report',
] as const;

/** As they are with a pilot before the training. */
export const pilotedStages = ['ingest', 'diagnose', 'pilot', ...robustifyStages.slice(2)] as const;

export const StageState = { Waiting: 'waiting', Running: 'running', Done: 'done', Failed: 'failed' } as const;
export type StageState = (typeof StageState)[keyof typeof StageState];

export interface StageStatus {
  name: string;
  state: StageState;
  startedAt: string | null;
  /** Wall-clock seconds; null until the stage has ended. */
  seconds: number | null;
  steps: { done: number; cached: number; total: number };
  /** One line for people; empty where there is nothing to say. */
  detail: string;
}

/** A gate of a rollout that waits for a person. */
export interface WaitingGate {
  /** The workflow that takes the `decide` update. */
  workflowId: string;
  /** The stage whose gate waits; the argument of `decide`. */
  stage: string;
  /** What begins when the answer is yes; null: the promotion. */
  next: string | null;
  verdict: Verdict;
  reason: string;
  figures: PairedFigures[];
  since: string;
  /** After this time the answer is no. */
  deadline: string;
}

/** Answer of the query `status` of robustify, diagnose and train. */
export interface PipelineStatus {
  workflowId: string;
  model: string;
  stages: StageStatus[];
  waiting: WaitingGate | null;
  outcome: RolloutResult['outcome'] | null;
}

/** Answer of the query `status` of a rollout. */
export interface RolloutStatus {
  model: string;
  policy: string;
  stage: string | null;
  share: number;
  /** Null until it is made, and in rollouts that began before there were any. */
  plan: RolloutPlan | null;
  stages: RolloutResult['stages'];
  waiting: WaitingGate | null;
  /** Why the rollout has not begun: another one has the challenger's place. Absent in rollouts of workers of before. */
  waitsFor?: string | null;
  outcome: RolloutResult['outcome'] | null;
}

/** A pilot as a reference (JSON: `PilotFigures`), and the time that a step of its longest training took; null: not measured. */
export interface PilotRefs {
  pilot: ArtifactRef;
  secondsPerStep: number | null;
}

export interface RobustifyResult {
  outcome: RolloutResult['outcome'];
  reason: string;
  /** Null: the pilot's gate said no, and nothing was trained or reported. */
  model: { base: ArtifactRef; trained: ArtifactRef | null };
  report: { html: ArtifactRef; json: ArtifactRef } | null;
  /** Absent: there was none. */
  pilot?: PilotRefs;
  artifacts: Record<string, ArtifactRef>;
  manifests: ArtifactRef[];
}
export interface DiagnoseResult {
  model: ArtifactRef;
  diagnosis: DiagnosisRefs;
  manifests: ArtifactRef[];
  /** One entry a manifest: seconds of work, 0 from the cache. Absent: a worker of before. */
  accounts?: { seconds: number; cached: boolean }[];
  seconds: Record<string, number>;
  cached: string[];
  /** Of a model behind an address: which one it was. */
  served?: ServedModel;
  /** Absent: nobody asked for one. */
  report?: DiagnosisVerdict;
}

/** How a diagnosis was judged, and where its report lies. */
export interface DiagnosisVerdict {
  verdict: Verdict;
  gates: { name: string; verdict: Verdict; reason: string }[];
  /** Absolute paths, by form of the report. */
  files: Record<string, string>;
  /** JSON: a `DiagnosisReport`. */
  json: ArtifactRef;
}
export interface PilotResult extends PilotRefs {
  model: ArtifactRef;
  finding: GateFinding;
  manifests: ArtifactRef[];
  seconds: Record<string, number>;
  cached: string[];
}
export interface TrainResult {
  base: ArtifactRef;
  trained: ArtifactRef;
  losses: ArtifactRef;
  manifests: ArtifactRef[];
  seconds: Record<string, number>;
  cached: string[];
}

export interface RolloutRequest {
  model: string;
  champion: ArtifactRef;
  challenger: ArtifactRef;
  /** Parquet of held-out requests. */
  traffic: ArtifactRef;
  seed: number;
  policy: RolloutPolicy;
  unattended?: true;
  /** What the stages are planned by: samples of another split, with the answers to them. Absent in requests of workers of before. */
  rehearsal?: Rehearsal;
  /** Absent in requests of workers of before: by the catalogue. */
  perturbing?: Perturbing;
  steps: StepPlan;
}

/** Tables by condition. `champion` is null where the champion has not been asked these samples yet. */
export interface Rehearsal {
  samples: Record<string, ArtifactRef>;
  champion: Record<string, ArtifactRef> | null;
  challenger: Record<string, ArtifactRef>;
}

/** As in a diagnosis. */
export interface Perturbing {
  level?: Level;
  skip: PerturbationName[];
  packs?: ArtifactRef;
}

export interface RolloutOutcome {
  result: RolloutResult;
  artifacts: Record<string, ArtifactRef>;
  manifests: ArtifactRef[];
  /** One entry a step: seconds of work, 0 from the cache. */
  accounts: { seconds: number; cached: boolean }[];
}

/** What a gate found on the requests of its stage. */
export type GateFinding = Omit<StageRecord, 'stage' | 'share' | 'approval'>;

/** Argument of the update `decide`. */
export interface Decision {
  stage: string;
  decision: 'approve' | 'reject';
  /** Who decides: a person's name. */
  by: string;
  comment: string;
}
export type DecisionResult = ApprovalRecord;
