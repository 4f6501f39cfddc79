import { z } from 'zod';

const share = z.number().min(0).max(1);

/** A combination of features under which answers go wrong more often than under any part of it. */
export const ErrorPattern = z.strictObject({
  /** Feature -> value, one to three of them. */
  features: z.record(z.string(), z.string()),
  /** Cases that have all of the features. */
  n: z.number().int(),
  failures: z.number().int(),
  rate: share,
  /** Of the rate, 95 %. */
  ci95: z.tuple([z.number(), z.number()]),
  /** Share of all cases that have the features. */
  support: share,
  /** The rate over that of all cases. */
  lift: z.number(),
  /** Share of all failures that the pattern covers. */
  covered: share,
  /** That the features add nothing to any part of the combination, one-sided. */
  pValue: z.number(),
  /** Benjamini and Hochberg's adjustment over all combinations tried. */
  pAdjusted: z.number(),
  /** Ids of failed samples. */
  examples: z.array(z.string()),
});
export type ErrorPattern = z.infer<typeof ErrorPattern>;

export const ErrorPatterns = z.strictObject({
  /** `talked_out`: right without, wrong with the perturbation, among samples that were right. `changed`: another answer. */
  failure: z.enum(['talked_out', 'changed']),
  /** Perturbed samples that could fail. */
  cases: z.number().int(),
  failures: z.number().int(),
  /** Combinations that were frequent enough to be tested. */
  tested: z.number().int(),
  /** Combinations found; the largest of them follow. */
  found: z.number().int(),
  patterns: z.array(ErrorPattern),
});
export type ErrorPatterns = z.infer<typeof ErrorPatterns>;
