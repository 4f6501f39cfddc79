import { z } from 'zod';

/** What is changed by attacks on single samples. */
const AttackTarget = z.enum(['embeddings', 'pixels']);

/** Whether something that needs no gradients of the model finds what gradients did not: then they may be masked. */
export const MaskingCheck = z.strictObject({
  taskKind: z.enum(['image_heavy', 'text_heavy']),
  target: AttackTarget,
  model: z.enum(['base', 'trained']),
  n: z.number().int(),
  /** Share of the samples that the search without gradients alone fooled. */
  bySearch: z.number(),
  /** By how much examples of the base left less accuracy than the strong attack, at most; null: not measured. */
  byTransfer: z.number().nullable(),
  /** Whether one of the two is more than chance finds of a few further attempts. */
  masked: z.boolean(),
});
export type MaskingCheck = z.infer<typeof MaskingCheck>;
