import { wideCase } from '../decoder-case.ts';
import { stepComparison } from '../step-comparison.ts';

export const decoderPgd = stepComparison(
  'decoder-pgd',
  '6 layers, width 256, batch 16, 128 tokens: gradient by the embeddings, one step of the attack',
  wideCase('pgd'),
  { time: 0.9 },
);
