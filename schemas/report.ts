import { z } from 'zod';
import { ArtifactRef } from './artifact.ts';
import { taskKinds, unansweredOutcomes } from './benchmark.ts';
import { Showcase, TalkedOut } from './example.ts';
import { MaskingCheck } from './masking.ts';
import { Repair } from './repair.ts';
import { Verdict } from './verdict.ts';

export { Showcase, TalkedOut, Verdict };

/** How many questions have no answer, by why; what is not there is 0. */
export const UnansweredCounts = z.partialRecord(z.enum(unansweredOutcomes), z.number().int().positive());
export type UnansweredCounts = z.infer<typeof UnansweredCounts>;

/** Accuracy and change rate are shares in [0, 1]; `ci95` is the accuracy's interval. */
export const ConditionFigures = z.strictObject({
  accuracy: z.number().min(0).max(1),
  /** Share of samples whose answer differs from the answer to the unperturbed sample (0 for `origin`). */
  changeRate: z.number().min(0).max(1),
  /** Samples that were asked; `accuracy` is their share that is right, and what was not answered is not. */
  n: z.number().int().positive(),
  /** Pairs of which both were answered: `changeRate` and `kl` are theirs; absent: all are. */
  pairs: z.number().int().nonnegative().optional(),
  /** Absent: every sample was answered. */
  unanswered: UnansweredCounts.optional(),
  ci95: z.tuple([z.number(), z.number()]),
  /** Mean over samples of KL(answer distribution clean || perturbed), nats. */
  kl: z.number().optional(),
  /** Share of samples that answer with the option that the perturbation points to; only where it points to one. */
  followed: z.number().optional(),
});
export type ConditionFigures = z.infer<typeof ConditionFigures>;

/** Keyed by "<task kind>/<perturbation>". */
export const DiagnosisFigures = z.record(z.string(), ConditionFigures);
export type DiagnosisFigures = z.infer<typeof DiagnosisFigures>;

/**
 * On the embeddings of one sample: `strong`, the strongest of several attacks for each; `pgd`, the few raw-gradient steps of the training, which is
 * weak; `pgd_sign`, as many steps along the sign; `transfer`, examples that were made on the base; `rg`, random noise, the control. `pixels` is
 * as `strong` on the picture itself. One change for many samples, found on some and measured on
 * others: `universal` of the embeddings, `universal_pixels` of the pictures, `universal_text` of what stands before the question.
 */
export const AttackName = z.enum([
  'strong',
  'pgd',
  'pgd_sign',
  'transfer',
  'rg',
  'universal',
  'pixels',
  'universal_pixels',
  'universal_text',
]);
export type AttackName = z.infer<typeof AttackName>;

export const AttackPoint = z.strictObject({
  taskKind: z.enum(['image_heavy', 'text_heavy']),
  /** Largest change of an embedding's component, or of a pixel's brightness (0 to 1); of `universal_text` the number of tokens. */
  eps: z.number(),
  /** `eps` over the root mean square of the embeddings attacked. */
  epsRelative: z.number().optional(),
  attack: AttackName,
  /** Of `pgd` and `pgd_sign`. */
  steps: z.number().int().positive().optional(),
  accuracy: z.number(),
  changeRate: z.number(),
  n: z.number().int(),
  /** Of `strong` and `pixels`: share of the samples that gradients left standing and a search without them fooled. */
  bySearch: z.number().min(0).max(1).optional(),
  /** Of `transfer`: accuracy of the model that the examples were made on. */
  origin: z.number().min(0).max(1).optional(),
  /** Of universal attacks: the same samples under a random change of the same size. */
  control: z.strictObject({ accuracy: z.number(), changeRate: z.number() }).optional(),
  /** Of `universal_pixels`: PNG of the change, bytes 1 to 255 are -eps to eps. */
  pattern: ArtifactRef.optional(),
  /** Of `universal_text`: what was written before each question. */
  trigger: z.string().optional(),
  /** Independent samples that would tell as much: samples of one source item are alike. Absent: not measured. */
  effective: z.number().positive().optional(),
});
export type AttackPoint = z.infer<typeof AttackPoint>;

/** An attack that the model does not allow. */
export const AttackLeftOut = z.strictObject({
  taskKind: AttackPoint.shape.taskKind,
  attack: AttackName,
  reason: z.string(),
});
export type AttackLeftOut = z.infer<typeof AttackLeftOut>;

/** What one attack step found. */
export const AttackFindings = z.array(z.union([AttackPoint, AttackLeftOut]));

export const LossPoint = z.strictObject({
  step: z.number().int(),
  total: z.number(),
  sft: z.number(),
  adversarial: z.number(),
  consistency: z.number(),
  learningRate: z.number(),
  gradientNorm: z.number(),
});
export type LossPoint = z.infer<typeof LossPoint>;

/** Paired comparison of champion and challenger on the same requests; differences are challenger minus champion. */
export const PairedFigures = z.strictObject({
  name: z.string(),
  n: z.number().int(),
  championAccuracy: z.number(),
  challengerAccuracy: z.number(),
  difference: z.number(),
  ci95: z.tuple([z.number(), z.number()]),
  /**
   * What decides: by chance the difference lies below `lower` with the probability `passError`, above `upper` with `failError`. In a
   * rollout these are shares of what all its stages may err together. Absent in reports of before, which decided by `ci95`.
   */
  limits: z
    .strictObject({
      lower: z.number(),
      upper: z.number(),
      passError: z.number(),
      failError: z.number(),
    })
    .optional(),
  /** Right by one of the two alone. */
  championOnly: z.number().int(),
  challengerOnly: z.number().int(),
  /** McNemar's exact test, two-sided. */
  pValue: z.number(),
  /** The lower bound that the gate demands of `difference`. */
  margin: z.number(),
  verdict: Verdict,
  reason: z.string(),
});
export type PairedFigures = z.infer<typeof PairedFigures>;

export const ApprovalRecord = z.strictObject({
  decision: z.enum(['approve', 'reject']),
  by: z.string(),
  /** True where the policy decided by itself and no person did. */
  automatic: z.boolean(),
  comment: z.string(),
  at: z.string(),
});
export type ApprovalRecord = z.infer<typeof ApprovalRecord>;

export const StageRecord = z.strictObject({
  stage: z.string(),
  /** What the registry says to gateways during the stage, 0 to 1. The comparison is a replay: no live traffic is in it. */
  share: z.number(),
  requests: z.number().int(),
  verdict: Verdict,
  reason: z.string(),
  figures: z.array(PairedFigures),
  /** The perturbations that the requests came under: how many, and the shares that each model answered rightly. */
  perturbations: z
    .record(z.string(), z.strictObject({ n: z.number().int(), champion: z.number(), challenger: z.number() }))
    .optional(),
  /** Requests that were not answered, where there are any. Those that neither answered are not compared. */
  unanswered: z.strictObject({ champion: z.number().int(), challenger: z.number().int() }).optional(),
  approval: ApprovalRecord.nullable(),
});
export type StageRecord = z.infer<typeof StageRecord>;

/** The stages that a rollout has requests for: each decides on a window of its own. */
export const RolloutPlan = z.strictObject({
  stages: z.array(z.string()),
  /** As many as there would be with enough requests. */
  of: z.number().int(),
  comparisons: z.array(
    z.strictObject({
      name: z.string(),
      margin: z.number(),
      /** On the test split: the share of pairs that one model alone is right on, and challenger minus champion. */
      discordant: z.number(),
      difference: z.number(),
      /** Pairs of each stage. */
      pairs: z.number().int(),
      /** Pairs that each stage needs; null: no number would pass. */
      needed: z.number().int().nullable(),
    }),
  ),
  reason: z.string(),
});
export type RolloutPlan = z.infer<typeof RolloutPlan>;

export const RolloutResult = z.strictObject({
  outcome: z.enum(['promoted', 'rolled_back', 'rejected']),
  reason: z.string(),
  policy: z.string(),
  /** Absent in reports of before. */
  plan: RolloutPlan.optional(),
  champion: z.string(),
  challenger: z.string(),
  stages: z.array(StageRecord),
});
export type RolloutResult = z.infer<typeof RolloutResult>;

/** What a pilot predicted for the real training, beside what that reached. */
export const ScoredPrediction = z.strictObject({
  /** Task kind whose accuracy under perturbation was predicted. */
  taskKind: z.string(),
  steps: z.number().int().positive(),
  predicted: z.number(),
  /** 95 % interval for the accuracy as it was then measured. */
  ci95: z.tuple([z.number(), z.number()]),
  actual: z.number().min(0).max(1),
  /** Actual minus predicted. */
  error: z.number(),
  covered: z.boolean(),
});
export type ScoredPrediction = z.infer<typeof ScoredPrediction>;

/** Where any report comes from. */
export const reportOrigin = {
  schemaVersion: z.literal(1),
  workflowId: z.string(),
  runId: z.string(),
  createdAt: z.string(),
  codeVersion: z.string(),
  seed: z.number().int(),
  disclaimer: z.string(),
} as const;

export const RunReport = z.strictObject({
  ...reportOrigin,
  model: z.strictObject({ name: z.string(), base: z.string(), trained: z.string() }),
  base: DiagnosisFigures,
  trained: DiagnosisFigures,
  pgd: z.array(
    z.strictObject({
      taskKind: z.enum(['image_heavy', 'text_heavy']),
      eps: z.number(),
      epsRelative: z.number().optional(),
      attack: AttackName,
      steps: z.number().int().positive().optional(),
      /** Accuracy under attack; of `transfer` `before` is that of the base, which the examples were made on. */
      before: z.number(),
      after: z.number(),
      n: z.number().int(),
      /** 95 % intervals of the two, and of after minus before; absent: an earlier version wrote the report. */
      beforeCi95: z.tuple([z.number(), z.number()]).optional(),
      afterCi95: z.tuple([z.number(), z.number()]).optional(),
      differenceCi95: z.tuple([z.number(), z.number()]).optional(),
    }),
  ),
  /** What training made of the model; absent: an earlier version wrote the report. */
  repair: Repair.optional(),
  /** Absent: nothing was attacked strongly. */
  masking: z.array(MaskingCheck).optional(),
  losses: z.array(LossPoint),
  /**
   * Whose samples the training rows were made of, by kind of task: `from` null: of the run's own training split, else of the set that gave
   * what that lacks. Kinds that are not there were left out. Absent: an earlier version wrote the report.
   */
  trainingMix: z
    .array(
      z.strictObject({
        taskKind: z.enum(taskKinds),
        from: z.string().nullable(),
        samples: z.number().int().positive(),
        rows: z.number().int().positive(),
      }),
    )
    .optional(),
  /** Median over the steps of the training, where it was done; null: not measured. */
  secondsPerStep: z.number().positive().nullable().optional(),
  /** Perturbations that point to the right option, those of packs included: no interference. */
  rightHints: z.array(z.string()).optional(),
  examples: z.array(TalkedOut),
  /** Of the model as it was; absent: no case, or an earlier version. */
  showcase: Showcase.optional(),
  /** Absent: the run had none. `gate` compares the longest short training with the model as it was. */
  pilot: z.strictObject({ gate: StageRecord, predictions: z.array(ScoredPrediction) }).optional(),
  rollout: RolloutResult,
  artifacts: z.record(z.string(), ArtifactRef),
  /** Seconds of work per step; a step taken from the cache is 0. */
  seconds: z.record(z.string(), z.number()),
  /** Steps whose results came from the cache. */
  cached: z.array(z.string()),
});
export type RunReport = z.infer<typeof RunReport>;
