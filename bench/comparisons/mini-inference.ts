import { miniCase } from '../decoder-case.ts';
import { stepComparison } from '../step-comparison.ts';

export const miniInference = stepComparison(
  'mini-inference',
  'mini model, batch 64, 48 tokens: logits at the last position',
  miniCase('infer'),
  { time: 0.9 },
);
