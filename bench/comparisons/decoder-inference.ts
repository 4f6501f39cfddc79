import { wideCase } from '../decoder-case.ts';
import { stepComparison } from '../step-comparison.ts';

export const decoderInference = stepComparison(
  'decoder-inference',
  '6 layers, width 256, batch 16, 128 tokens: logits at the last position',
  wideCase('infer'),
  { time: 0.9 },
);
