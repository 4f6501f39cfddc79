import { z } from 'zod';

/** A wrong answer that a perturbation caused, to be looked at. */
export const TalkedOut = z.strictObject({
  id: z.string(),
  taskKind: z.string(),
  perturbation: z.string(),
  question: z.string(),
  context: z.string().nullable(),
  /** Text between the question and its options, and behind them; absent: none. */
  inside: z.string().optional(),
  after: z.string().optional(),
  options: z.array(z.string()),
  answer: z.number().int(),
  cleanPrediction: z.number().int(),
  perturbedPrediction: z.number().int(),
  /** What the trained model says to the perturbed sample; null before training. */
  trainedPrediction: z.number().int().nullable(),
  /** A data URI, of a large picture that of a WebP of at most 512 pixels a side; null: none. */
  image: z.string().nullable(),
});
export type TalkedOut = z.infer<typeof TalkedOut>;

/** A case to begin with, of the condition that costs most, and how often its like happens. */
export const Showcase = z.strictObject({
  /** "<task kind>/<perturbation>" */
  condition: z.string(),
  /** Drawn among those of the condition; `answer` null: nobody knows the right one. */
  example: TalkedOut.extend({ answer: z.number().int().nullable() }),
  /** What was not in the sample's texts before; null: no text was added. */
  misled: z.string().nullable(),
  /** The picture without the perturbation, where it is another one. */
  cleanImage: z.string().nullable(),
  /** Questions of the condition, of those that were answered rightly without it (without labels: answered) and answered with it. */
  failing: z.number().int().positive(),
  n: z.number().int().positive(),
  /** Of their share. */
  ci95: z.tuple([z.number(), z.number()]),
  /** What was found of the condition's drop of accuracy; absent: no labels. */
  verdict: z.enum(['drop', 'no_relevant_drop', 'not_enough_data', 'at_chance']).optional(),
  /** The same of the trained model; absent: nothing was trained, or it was not asked. */
  after: z
    .strictObject({
      failing: z.number().int().nonnegative(),
      n: z.number().int().positive(),
      ci95: z.tuple([z.number(), z.number()]),
    })
    .optional(),
});
export type Showcase = z.infer<typeof Showcase>;
