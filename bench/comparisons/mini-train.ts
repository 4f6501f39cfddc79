import { miniCase } from '../decoder-case.ts';
import { stepComparison } from '../step-comparison.ts';

export const miniTrain = stepComparison(
  'mini-train',
  'mini model, batch 64, 48 tokens: forward, backward, clipping, AdamW',
  miniCase('train'),
  { time: 0.9 },
);
