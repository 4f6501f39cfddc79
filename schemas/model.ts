import { z } from 'zod';

/** Precision of a model folder's graphs; `auto`: the most exact that is there. */
export const Dtype = z.enum(['auto', 'fp32', 'fp16', 'q8', 'q4', 'q4f16']);
export type Dtype = z.infer<typeof Dtype>;
