import { TrainConfig } from '../../schemas/training.ts';

/** One way of training; null: the base model as it is. */
export interface Arm {
  name: string;
  /** What differs from training with everything (KL, lambda .1, PGD). */
  config: TrainConfig | null;
}

const base = { lambda: 0.1, learningRate: 3e-4 };
const without = { adversarial: { enabled: false }, consistency: 'none' } as const;

const armOf = (name: string, config: Record<string, unknown>): Arm => ({
  name,
  config: TrainConfig.parse({ ...base, ...config }),
});

/** The arms of the method's ablation, in the paper's order, and their controls. */
export const arms: readonly Arm[] = [
  { name: 'vanilla', config: null },
  armOf('+ VQA data', { ...without, data: 'vqa', augmentation: false }),
  armOf('+ augmentation', without),
  armOf('+ consistency (KL, lambda 1)', { ...without, consistency: 'kl', lambda: 1 }),
  armOf('+ consistency (JS, lambda 1)', { ...without, consistency: 'js', lambda: 1 }),
  armOf('+ adversarial', { consistency: 'none' }),
  armOf('all', {}),
  armOf('all, RG in place of PGD', { adversarial: { kind: 'rg' } }),
  armOf('control: the extra pass without an attack', { consistency: 'none', adversarial: { eps: 0 } }),
  armOf('all, LoRA rank 8', {
    learningRate: 2e-3,
    lora: { rank: 8, alpha: 16, targets: '\\b[qkv]_proj$' },
  }),
];
