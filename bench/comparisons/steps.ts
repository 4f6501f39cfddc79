import { type CaseOptions, miniCase, type StepKind, wideCase } from '../decoder-case.ts';
import type { Comparison } from '../measure.ts';
import { stepComparison } from '../step-comparison.ts';

/** What is done in a step, with the end of the comparison's name. */
const kinds: readonly [kind: StepKind, name: string, what: string][] = [
  ['train', 'train', 'forward, backward, clipping, AdamW'],
  ['lora', 'lora', 'the same with adapters of rank 8 on queries and values'],
  ['pgd', 'pgd', 'gradient by the embeddings, one step of the attack'],
  ['infer', 'inference', 'logits at the last position'],
];

function stepsOf(
  model: string,
  size: string,
  caseOf: (kind: StepKind) => CaseOptions,
  goals: Record<StepKind, number>,
): Comparison[] {
  return kinds.map(([kind, name, what]) =>
    stepComparison(`${model}-${name}`, `${size}: ${what}`, caseOf(kind), { time: goals[kind] }),
  );
}

/** Steps of one batch, ours and PyTorch's; the goals are shares of its time. */
export const steps: readonly Comparison[] = [
  ...stepsOf('mini', 'mini model, batch 64, 48 tokens', miniCase, {
    train: 0.9,
    lora: 0.85,
    pgd: 0.9,
    infer: 0.9,
  }),
  ...stepsOf('decoder', '6 layers, width 256, batch 16, 128 tokens', wideCase, {
    train: 1,
    lora: 0.85,
    pgd: 0.9,
    infer: 0.9,
  }),
  stepComparison(
    'long-train',
    '6 layers, width 256, batch 4, 1,024 tokens: forward, backward, clipping, AdamW',
    wideCase('train', 4, 1024),
    { time: 1.3, memory: 1.5 },
    5,
  ),
];
