import { z } from 'zod';
import { PerturbationName } from './benchmark.ts';
import { DeviceChoice } from './device.ts';
import { Level } from './levels.ts';
import { Dtype } from './model.ts';
import { NotifyConfig, ObserveConfig } from './observe.ts';
import { AttackName } from './report.ts';
import { TrainConfig } from './training.ts';

const positive = z.number().positive();
const count = z.number().int().positive();
const share = z.number().min(0).max(1);

/** Where a project's state lies, in its folder, unless --state-dir names another place. */
export const stateFolder = '.modality-guard';

/** How a model is attacked. */
const AttackConfig = z
  .strictObject({
    kinds: z.array(AttackName),
    samples: count,
    /** Largest change of an embedding's component; 0 is no attack. */
    eps: z.array(z.number().nonnegative()).optional(),
    /** The same as a multiple of the root mean square of the embeddings attacked, so that text and pictures are compared at equal size. */
    epsRelative: z.array(z.number().nonnegative()).optional(),
    /** Step of `pgd` on the raw gradient, as in training. */
    alpha: positive,
    /** Steps of `pgd` and `pgd_sign`. */
    steps: count,
    /** Times that an attack begins anew for each sample; 1, and 3 from level L3 on. */
    restarts: count.optional(),
    /** Steps of each attempt of `strong` and `pixels`; 8 unless said. */
    strongSteps: count.optional(),
    /** Runs of the model for a sample in the search without gradients of `strong` and `pixels`; 32 unless said, and 128 from level L3 on. */
    queries: count.optional(),
    /** Times that the samples are gone through until `universal` and `universal_pixels` have their change. */
    universalSteps: count.optional(),
    /** Largest changes of a pixel's brightness, 0 to 1, of `pixels`; 1, 2, 4 and 8 of 255 steps unless said. */
    pixelEps: z.array(z.number().nonnegative()).optional(),
    /** The same of `universal_pixels`; 8, 16, 32 and 64 of 255 steps unless said. */
    universalPixelEps: z.array(z.number().nonnegative()).optional(),
    /** Numbers of tokens of `universal_text`; 1 and 3 unless said. */
    triggerTokens: z.array(z.number().int().nonnegative().max(32)).optional(),
  })
  .refine(({ eps, epsRelative }) => (eps === undefined) !== (epsRelative === undefined), {
    path: ['epsRelative'],
    error: 'give either eps or epsRelative',
  });
export type AttackConfig = z.infer<typeof AttackConfig>;

/** How much a diagnosis measures. */
export const DiagnosisConfig = z.strictObject({
  /** Samples per condition. */
  samples: count,
  /** Leave out perturbations by name; empty: all of them. */
  skip: z.array(PerturbationName),
  /** How hard to try; absent: the catalogue and the attacks below. */
  level: Level.optional(),
  /** Scenario packs beside the catalogue: names of those that come along, or files. */
  scenarios: z.array(z.string().min(1)).optional(),
  /** The share of a kind's or a condition's questions that may stay unanswered; 0.02 unless said. */
  maxUnanswered: share.optional(),
  /** The robustness curve: attacks on the irrelevant modality's embeddings. */
  attack: AttackConfig,
});
export type DiagnosisConfig = z.infer<typeof DiagnosisConfig>;

/** Short trainings before the real one: what does it promise? */
export const PilotConfig = z.strictObject({
  /** Growing shares of `steps`, and so of the data: each step takes new rows. */
  shares: z
    .array(z.number().gt(0).max(1))
    .min(3, { error: 'a learning curve needs at least 3 shares' })
    .default([0.25, 0.5, 1]),
  /** Steps of the longest one. */
  steps: z.number().int().min(3).default(40),
  /** Samples per condition of each diagnosis. */
  samples: count.default(200),
});
export type PilotConfig = z.infer<typeof PilotConfig>;

export const rolloutStages = ['offline', 'shadow', 'canary-5', 'canary-25', 'canary-50', 'full'] as const;
export const RolloutStage = z.enum(rolloutStages);
export type RolloutStage = z.infer<typeof RolloutStage>;

/** Who and what must agree before a challenger takes traffic. */
export const RolloutPolicy = z.strictObject({
  name: z.string().min(1),
  /** Stages that a person must approve before they begin. */
  approvals: z.array(RolloutStage).refine((stages) => !stages.includes('offline'), {
    error:
      'offline begins at once, for it answers nobody; name the stage that must wait for a person: shadow, canary-5, canary-25, canary-50 or full',
  }),
  /**
   * The policy approves in a person's place where a gate has passed; every such decision is recorded as automatic. A gate whose
   * figures do not decide waits for a person all the same.
   */
  automatic: z.boolean(),
  /** Waiting longer than this for a person means no. */
  approvalTimeoutSeconds: positive,
  /** How far each accuracy may fall, as a share (0.04: four points). */
  margins: z.strictObject({ perturbed: share, clean: share, vqa: share }),
  /** Requests of each task kind that a stage replays at most; stages share none. */
  requests: count,
});
export type RolloutPolicy = z.infer<typeof RolloutPolicy>;

/** Time-outs and retries of one kind of activity. Errors BAD_* are never retried. */
export const StepOptions = z.strictObject({
  /** Of one attempt. */
  startToCloseSeconds: positive,
  /** Of all attempts and the waits between them; 7 days unless said. */
  scheduleToCloseSeconds: positive.optional(),
  /** A worker that is silent for longer than this is taken for dead. */
  heartbeatSeconds: positive,
  /** A step whose count has not moved for longer than this is ended and tried again; 1800 unless said. */
  stallSeconds: positive.optional(),
  /**
   * Attempts that may end by an error of the step itself, a stall, or together with their worker. A worker that is shut down in order, and
   * what is away and may come back, cost none.
   */
  attempts: count,
  backoffSeconds: positive,
});
export type StepOptions = z.infer<typeof StepOptions>;

const server = z.strictObject({
  /** host:port; null: TEMPORAL_ADDRESS, a temporal.toml profile, or a server of our own. */
  address: z.string().nullable(),
  namespace: z.string().min(1),
  /** Where worker and clients of this project meet; projects that share a server and a namespace have one each. */
  taskQueue: z
    .string()
    .regex(/^[\w.-]{1,200}$/, { error: 'expected letters, digits, ".", "_" and "-", at most 200' })
    .optional(),
});

const worker = z.strictObject({
  maxConcurrentActivities: count,
  /** Threads of one computing step. */
  threads: count,
  /** Where models are computed. */
  device: DeviceChoice.default('cpu'),
  /** Heartbeats are sent at most this far apart, so that a checkpoint is known soon. */
  heartbeatThrottleSeconds: positive,
  shutdownGraceSeconds: positive,
  /** Worker versioning: null: unversioned. */
  deployment: z.strictObject({ name: z.string().min(1), buildId: z.string().min(1) }).nullable(),
});

/** How often a drift watch looks, and when it rings. */
export const DriftLimits = z.strictObject({
  pollSeconds: positive,
  coolDownSeconds: z.number().nonnegative(),
  changeRate: share,
  psi: positive,
  minRequests: count,
});
export type DriftLimits = z.infer<typeof DriftLimits>;

/** temporal.config.json or .yaml: where and how the pipeline runs. Paths are relative to the file; the folder "embedded" is what comes along. */
export const GuardConfig = z.strictObject({
  server,
  worker,
  /** `name`: absent: that of the folder. `dtype`: which precision of a folder that holds several; the most exact one where it is absent. */
  model: z.strictObject({
    name: z
      .string()
      .regex(/^[\w.-]+$/)
      .optional(),
    folder: z.string(),
    dtype: Dtype.optional(),
  }),
  data: z.strictObject({ folder: z.string() }),
  /** Folders that the worker reads for requests, beside the project's: whoever reaches the server can make one. */
  sources: z.strictObject({ roots: z.array(z.string().min(1)).default([]) }).prefault({}),
  seed: z.number().int(),
  /** The policy that is taken when none is named. */
  policy: z.string(),
  policies: z.array(RolloutPolicy),
  diagnosis: DiagnosisConfig,
  training: TrainConfig,
  /** `enabled`: a stage of every run, before its training. */
  pilot: PilotConfig.extend({ enabled: z.boolean().default(false) }).prefault({}),
  /** Options by step: `default`, and what differs from it. */
  steps: z
    .strictObject({
      importModel: StepOptions.partial(),
      ingest: StepOptions.partial(),
      perturb: StepOptions.partial(),
      predict: StepOptions.partial(),
      attack: StepOptions.partial(),
      summarize: StepOptions.partial(),
      augment: StepOptions.partial(),
      train: StepOptions.partial(),
      planRollout: StepOptions.partial(),
      replayTraffic: StepOptions.partial(),
      gate: StepOptions.partial(),
      report: StepOptions.partial(),
      registry: StepOptions.partial(),
      pollLogs: StepOptions.partial(),
      pilot: StepOptions.partial(),
      score: StepOptions.partial(),
      reportDiagnosis: StepOptions.partial(),
      firstLook: StepOptions.partial(),
      lastLook: StepOptions.partial(),
    })
    .partial()
    .extend({ default: StepOptions }),
  nightly: z.strictObject({
    hour: z.number().int().min(0).max(23),
    minute: z.number().int().min(0).max(59),
    timezone: z.string(),
    catchupWindowSeconds: positive,
    /** A night that takes longer is ended and has failed. The time that a policy waits for people is not counted in. */
    limitSeconds: positive.default(72_000),
    /** As the flags of `diagnose`: how hard to try, a task file, packs beside those of `diagnosis`, and a gate file. */
    level: Level.optional(),
    task: z.string().min(1).optional(),
    scenarios: z.array(z.string().min(1)).optional(),
    gate: z.string().min(1).optional(),
  }),
  drift: DriftLimits,
  /** How the command `worker` is looked at from outside. */
  observe: ObserveConfig.prefault({}),
  /** Who is told of what waits, fails or drifts; null: nobody. */
  notify: NotifyConfig.nullable().default(null),
});
export type GuardConfig = z.infer<typeof GuardConfig>;
