import type { Comparison } from '../measure.ts';
import { decoderInference } from './decoder-inference.ts';
import { decoderLora } from './decoder-lora.ts';
import { decoderPgd } from './decoder-pgd.ts';
import { decoderTrain } from './decoder-train.ts';
import { diagnosis } from './diagnosis.ts';
import { largeSession } from './large-session.ts';
import { longTrain } from './long-train.ts';
import { miniInference } from './mini-inference.ts';
import { miniLora } from './mini-lora.ts';
import { miniPgd } from './mini-pgd.ts';
import { miniTrain } from './mini-train.ts';

/** In the order in which they run. */
export const comparisons: readonly Comparison[] = [
  miniTrain,
  miniLora,
  miniPgd,
  miniInference,
  decoderTrain,
  decoderLora,
  decoderPgd,
  decoderInference,
  longTrain,
  largeSession,
  diagnosis,
];
