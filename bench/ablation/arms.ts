import { TrainConfig } from '../../schemas/training.ts';

/** One way of training; null: the base model as it is. */
export interface Arm {
  name: string;
  /** What differs from training with everything (KL, lambda .1, PGD). */
  config: TrainConfig | null;
}

const without = { adversarial: { enabled: false }, consistency: 'none' } as const;

/** Names that the gains between arms refer to. */
export const named = {
  vanilla: 'vanilla',
  vqa: '+ VQA data',
  augmentation: '+ augmentation',
  kl: '+ consistency (KL, lambda 1)',
  js: '+ consistency (JS, lambda 1)',
  adversarial: '+ adversarial',
  all: 'all',
  rg: 'all, RG in place of PGD',
  control: 'control: the extra pass without an attack',
  lora: 'all, LoRA rank 8',
} as const;

const changes: readonly (readonly [name: string, config: Record<string, unknown> | null])[] = [
  [named.vanilla, null],
  [named.vqa, { ...without, data: 'vqa', augmentation: false }],
  [named.augmentation, without],
  [named.kl, { ...without, consistency: 'kl', lambda: 1 }],
  [named.js, { ...without, consistency: 'js', lambda: 1 }],
  [named.adversarial, { consistency: 'none' }],
  [named.all, {}],
  [named.rg, { adversarial: { kind: 'rg' } }],
  [named.control, { consistency: 'none', adversarial: { eps: 0 } }],
  [
    named.lora,
    {
      learningRate: 2e-3,
      lora: { rank: 8, alpha: 16, targets: '\\b[qkv]_proj$' },
    },
  ],
];

/** The arms of the method's ablation, in the paper's order, and their controls. */
export const armsOf = (steps: number): Arm[] =>
  changes.map(([name, config]) => ({
    name,
    config: config && TrainConfig.parse({ steps, lambda: 0.1, learningRate: 3e-4, ...config }),
  }));
