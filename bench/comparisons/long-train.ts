import { wideCase } from '../decoder-case.ts';
import { stepComparison } from '../step-comparison.ts';

export const longTrain = stepComparison(
  'long-train',
  '6 layers, width 256, batch 4, 1,024 tokens: forward, backward, clipping, AdamW',
  wideCase('train', 4, 1024),
  { time: 1.3, memory: 1.5 },
  5,
);
