import { wideCase } from '../decoder-case.ts';
import { stepComparison } from '../step-comparison.ts';

export const decoderLora = stepComparison(
  'decoder-lora',
  '6 layers, width 256, batch 16, 128 tokens: the same with adapters of rank 8 on queries and values',
  wideCase('lora'),
  { time: 0.85 },
);
