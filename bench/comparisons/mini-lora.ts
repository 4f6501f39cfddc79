import { miniCase } from '../decoder-case.ts';
import { stepComparison } from '../step-comparison.ts';

export const miniLora = stepComparison(
  'mini-lora',
  'mini model, batch 64, 48 tokens: the same with adapters of rank 8 on queries and values',
  miniCase('lora'),
  { time: 0.85 },
);
