import type { LossBuilder, TypedValue } from '../engine/index.ts';
import type { ConsistencyKind } from '../schemas/training.ts';
import type { DecoderLoss } from './decoder.ts';

/** Rows and pairs of a whole step, over which its means are taken. */
export interface StepCounts {
  rows: number;
  pairs: number;
}

/**
 * Cross-entropy of the answers plus lambda times the distance between the answer distributions of pairs: rows
 * [0, pairs) are clean, rows [pairs, 2 pairs) the same samples perturbed. A group's share of the step's means.
 */
export function robustLoss(
  wrt: readonly string[],
  group: { pairs: number; rows: number },
  step: StepCounts,
  { consistency, lambda }: { consistency: ConsistencyKind; lambda: number },
): DecoderLoss {
  const compares = consistency !== 'none' && group.pairs > 0;
  return {
    name: `robust ${group.pairs}/${step.pairs} of ${step.rows} ${compares ? `${consistency} ${lambda}` : ''}`,
    wrt,
    build: (b, logits) => {
      const each = new Array<number>(group.rows).fill(1 / step.rows);
      const sft = b.part('sft', b.crossEntropy(logits, b.input('answers'), each));
      if (!compares) return sft;
      const clean = b.rows(logits, 0, group.pairs);
      const perturbed = b.rows(logits, group.pairs, 2 * group.pairs);
      const mean = distance(b, consistency, clean, perturbed);
      const share = b.part('consistency', b.scale(mean, group.pairs / step.pairs));
      return b.add(sft, b.scale(share, lambda));
    },
  };
}

function distance(
  b: LossBuilder,
  kind: Exclude<ConsistencyKind, 'none'>,
  clean: TypedValue,
  perturbed: TypedValue,
): TypedValue {
  if (kind === 'kl') return b.klDivergence(clean, perturbed);
  if (kind === 'js') return b.jsDivergence(clean, perturbed);
  return b.mseDistributions(clean, perturbed);
}

/** Cross-entropy of the answers on attacked embeddings; `rows` of the `total` that the step attacks. */
export function adversarialLoss(wrt: readonly string[], rows: number, total: number): DecoderLoss {
  return {
    name: `adversarial ${rows}/${total}`,
    wrt,
    build: (b, logits) => b.crossEntropy(logits, b.input('answers'), new Array<number>(rows).fill(1 / total)),
  };
}

/** What an attack raises: each row's own cross-entropy, so that a row's gradient is independent of the others. */
export const attackLoss: DecoderLoss = {
  name: 'attack',
  wrt: ['inputs_embeds'],
  build: (b, logits) =>
    b.crossEntropy(logits, b.input('answers'), new Array<number>(logits.dims[0]!).fill(1)),
};
