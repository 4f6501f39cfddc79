import { wideCase } from '../decoder-case.ts';
import { stepComparison } from '../step-comparison.ts';

export const decoderTrain = stepComparison(
  'decoder-train',
  '6 layers, width 256, batch 16, 128 tokens: forward, backward, clipping, AdamW',
  wideCase('train'),
  { time: 1 },
);
