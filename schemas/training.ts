import { z } from 'zod';
import { TaskKind, taskKinds } from './benchmark.ts';

/** How the answer distributions of a sample and its perturbed form are compared. */
export const ConsistencyKind = z.enum(['kl', 'js', 'mse', 'none']);
export type ConsistencyKind = z.infer<typeof ConsistencyKind>;

/** The attack that training defends against, on the irrelevant modality's embeddings. */
export const AdversarialConfig = z.strictObject({
  enabled: z.boolean().default(true),
  /** Raw-gradient PGD, its sign form, or random Gaussian noise of the same size (a control). */
  kind: z.enum(['pgd', 'pgd_sign', 'rg']).default('pgd'),
  /** Largest change of an embedding's component. 0: the same extra pass without an attack, as a control. */
  eps: z.number().min(0).default(1e-2),
  /** Step size on the raw gradient. */
  alpha: z.number().positive().default(0.1),
  steps: z.number().int().min(0).max(20).default(2),
});
export type AdversarialConfig = z.infer<typeof AdversarialConfig>;

/** Low-rank adapters in place of full fine-tuning; merged into the weights at the end. */
export const LoraConfig = z.strictObject({
  rank: z.number().int().min(1).max(256),
  alpha: z.number().positive(),
  /** Regular expression on the paths of the layers to adapt, such as model.layers.0.self_attn.q_proj. */
  targets: z.string().default('\\b[qv]_proj$'),
  /** Chance with which an element of an adapter's input is dropped while training. */
  dropout: z.number().min(0).lt(1).default(0),
  /** Scale by alpha / sqrt(rank) in place of alpha / rank. */
  rankStabilised: z.boolean().default(false),
});
export type LoraConfig = z.infer<typeof LoraConfig>;

/** Robust training: loss = cross-entropy + adversarial cross-entropy + lambda * consistency. */
export const TrainConfig = z.strictObject({
  steps: z.number().int().min(1).default(200),
  /** Rows a step, a multiple of 8: 2 parts image-heavy, 2 text-heavy (half of each perturbed), 4 VQA. */
  batch: z.number().int().min(8).multipleOf(8).default(64),
  learningRate: z.number().positive().default(4.5e-4),
  /** Share of the steps in which the learning rate rises. */
  warmup: z.number().min(0).max(1).default(0.03),
  weightDecay: z.number().min(0).default(1e-4),
  /** AdamW's epsilon. */
  eps: z.number().positive().default(1e-6),
  /** Largest norm of the whole gradient. */
  clip: z.number().positive().default(5),
  /** Weight of the consistency loss. */
  lambda: z.number().min(0).default(1),
  consistency: ConsistencyKind.default('kl'),
  adversarial: AdversarialConfig.prefault({}),
  /** `vqa`: the samples that need both modalities alone (an ablation). */
  data: z.enum(['all', 'vqa']).default('all'),
  /**
   * Where the kinds of task come from that the training data lack: `embedded` (the benchmark that comes along), a benchmark's folder, or
   * `none`: they are left out. Unset: `embedded`.
   */
  mix: z.string().min(1).optional(),
  /** False: the rows of perturbed samples repeat the clean ones (an ablation). */
  augmentation: z.boolean().default(true),
  lora: LoraConfig.nullable().default(null),
  /** Rows that run together; the gradients of a step's runs are added up. Null: as many as fit into the memory limit. */
  microBatch: z.number().int().min(2).nullable().default(null),
  /** Megabytes (2^20 bytes) that the training may take; its batches are cut up to keep within. Null: no limit. */
  memoryLimitMB: z.number().positive().nullable().default(null),
  /** Order of the batches and start of the attacks. */
  seed: z.number().int().default(1),
  /** Threads of one session run. */
  threads: z.number().int().min(1).max(64).default(2),
});
export type TrainConfig = z.infer<typeof TrainConfig>;

/** The setting `mix` that leaves out what the data lack. */
export const mixNone = 'none';

/**
 * What a step of `batch` rows holds of the kinds that there are samples of: pairs of a clean and a perturbed sample, and VQA samples.
 * With all kinds image-heavy : text-heavy : VQA = 2 : 2 : 4 rows; what is not there leaves its rows to the others.
 */
export function stepShares(batch: number, there: readonly TaskKind[]): Record<TaskKind, number> {
  const paired = taskKinds.filter((kind) => kind !== TaskKind.Vqa && there.includes(kind));
  const vqa = there.includes(TaskKind.Vqa);
  const pairs = Math.floor(batch / (2 * paired.length + (vqa ? 4 : 0)));
  const of = (kind: TaskKind) => (paired.includes(kind) ? pairs : 0);
  return {
    image_heavy: of(TaskKind.ImageHeavy),
    text_heavy: of(TaskKind.TextHeavy),
    vqa: vqa ? batch - 2 * pairs * paired.length : 0,
  };
}
