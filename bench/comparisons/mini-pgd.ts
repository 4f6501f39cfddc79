import { miniCase } from '../decoder-case.ts';
import { stepComparison } from '../step-comparison.ts';

export const miniPgd = stepComparison(
  'mini-pgd',
  'mini model, batch 64, 48 tokens: gradient by the embeddings, one step of the attack',
  miniCase('pgd'),
  { time: 0.9 },
);
