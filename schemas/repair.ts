import { z } from 'zod';
import { Verdict } from './verdict.ts';

const share = z.number().min(0).max(1);
const interval = z.tuple([z.number(), z.number()]);
const count = z.number().int();

/** The condition under which a model is least often right. */
export const LowestAccuracy = z.strictObject({
  /** "<task kind>/<perturbation>". */
  condition: z.string(),
  accuracy: share,
  /** Holds the lowest of the true accuracies, which need not be this condition's (docs/statistics.md). */
  ci95: interval,
  n: count,
  /** Of how many conditions it is the lowest. */
  conditions: count,
});
export type LowestAccuracy = z.infer<typeof LowestAccuracy>;

/** The condition that costs most. */
export const LargestDrop = z.strictObject({
  /** "<task kind>/<perturbation>". */
  condition: z.string(),
  drop: z.number(),
  /** Holds the largest of the true drops, which need not be this condition's. */
  ci95: interval,
  n: count,
  /** Of how many conditions it is the largest. */
  conditions: count,
});
export type LargestDrop = z.infer<typeof LargestDrop>;

/** What perturbations cost the model before training. */
export const DropBefore = z.strictObject({
  /** `nothing_measured`: there was no condition with labels. The others as in the measures of a diagnosis, of all conditions together. */
  verdict: z.enum(['drop', 'no_relevant_drop', 'not_enough_data', 'nothing_measured']),
  /** The largest drop that is one; null: none is. */
  largest: z
    .strictObject({ condition: z.string(), clean: share, perturbed: share, ci95: interval, n: count })
    .nullable(),
});
export type DropBefore = z.infer<typeof DropBefore>;

/** Accuracy on the same unperturbed samples before and after training; differences are after minus before. */
export const Ability = z.strictObject({
  before: share,
  after: share,
  difference: z.number(),
  ci95: interval,
  /** McNemar's exact test, two-sided, or his score test over source items: the larger. */
  pValue: share,
  n: count,
  /** The fall that counts as none, a share. */
  margin: z.number(),
  /**
   * `kept`: the interval reaches no further down than the margin. `slightly_lower`: the same, and the model is worse for certain.
   * `lower`: worse for certain, by how much is not. `lost`: the whole interval is beyond the margin. Else `too_few` samples to say.
   */
  verdict: z.enum(['kept', 'slightly_lower', 'lower', 'lost', 'too_few']),
});
export type Ability = z.infer<typeof Ability>;

const Rules = z.strictObject({
  verdict: Verdict,
  gates: z.array(z.strictObject({ name: z.string(), verdict: Verdict, reason: z.string() })),
});

/** What training made of the model, by perturbations that it had not seen. */
export const Repair = z.strictObject({
  /** Conditions whose perturbation, or a template of which, occurs in the training's rows. They are no evidence of a repair. */
  trainedOn: z.array(z.string()),
  /** Task kinds at chance without a perturbation: before training, which are left out of `found` and `lowest`, and after. */
  atChance: z.strictObject({ before: z.array(z.string()), after: z.array(z.string()) }),
  /** Before training, under perturbations that training had not seen, and under those that it had. */
  found: DropBefore,
  foundOnTrained: DropBefore,
  /** Over perturbations that training had not seen, each model's own; null: none was measured. */
  lowest: z.strictObject({
    before: LowestAccuracy.nullable(),
    after: LowestAccuracy.nullable(),
    /** The intervals lie apart; `open`: they do not, or there are fewer than 30 samples. */
    change: z.enum(['raised', 'lowered', 'open']),
    /** The same over all perturbations, those that training had seen included. */
    overall: z.strictObject({ before: LowestAccuracy.nullable(), after: LowestAccuracy.nullable() }),
  }),
  /** By task kind. */
  ability: z.record(z.string(), Ability),
  /** The built-in rules of a diagnosis, on each of the two models. */
  rules: z.strictObject({ before: Rules, after: Rules }),
});
export type Repair = z.infer<typeof Repair>;
