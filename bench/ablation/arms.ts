import { TrainConfig } from '../../schemas/training.ts';

/** One way of training; null: the base model as it is. */
export interface Arm {
  name: string;
  /** What differs from the shipped recipe, which is training with everything (the defaults of TrainConfig). */
  config: TrainConfig | null;
}

const without = { adversarial: { enabled: false }, consistency: 'none' } as const;

/** Names that the gains between arms refer to. */
export const named = {
  vanilla: 'vanilla',
  vqa: '+ VQA data',
  augmentation: '+ augmentation',
  kl: '+ consistency (KL)',
  js: '+ consistency (JS)',
  adversarial: '+ adversarial',
  all: 'all: the shipped recipe',
  rg: 'all, RG in place of PGD',
  control: 'control: the extra pass without an attack',
  lora: 'all, LoRA rank 8',
  earlyAugmentation: '+ augmentation, 50 steps',
  earlyKl: '+ consistency (KL), 50 steps',
} as const;

/** After a quarter of the shipped steps augmentation alone has not reached the accuracy on clean samples: the room that consistency can fill. */
const early = { steps: 50 } as const;

const changes: readonly (readonly [name: string, config: Record<string, unknown> | null])[] = [
  [named.vanilla, null],
  [named.vqa, { ...without, data: 'vqa', augmentation: false }],
  [named.augmentation, without],
  [named.kl, { ...without, consistency: 'kl' }],
  [named.js, { ...without, consistency: 'js' }],
  [named.adversarial, { consistency: 'none' }],
  [named.all, {}],
  [named.rg, { adversarial: { kind: 'rg' } }],
  [named.control, { consistency: 'none', adversarial: { eps: 0 } }],
  [
    named.lora,
    {
      learningRate: 3e-3,
      lora: { rank: 8, alpha: 16, targets: '\\b[qkv]_proj$' },
    },
  ],
  [named.earlyAugmentation, { ...without, ...early }],
  [named.earlyKl, { ...without, ...early, consistency: 'kl' }],
];

/** The arms of the method's ablation, in the paper's order, and their controls. */
export const armsOf = (steps?: number): Arm[] =>
  changes.map(([name, config]) => ({
    name,
    config: config && TrainConfig.parse({ steps, ...config }),
  }));
