import { z } from 'zod';
import { Verdict } from './verdict.ts';

/** What a rule of a gate may look at. Shares from 0 to 1; a drop is positive where accuracy is lost. */
export const GateFigure = z.enum([
  'drop',
  'dropAgainstControl',
  'dropAgainstEarlier',
  'accuracy',
  'changeRate',
  'followed',
  'ece',
  'worst',
  'competency',
  'attackAccuracy',
  'unanswered',
]);
export type GateFigure = z.infer<typeof GateFigure>;

/** Figures that are told in points. */
export const isInPoints = (figure: string | undefined): boolean =>
  figure === 'drop' || figure === 'dropAgainstControl' || figure === 'dropAgainstEarlier';

const threshold = z.number().min(-1).max(1);

/** One demand on a diagnosis, e.g. "misleading text costs at most 5 points, with 95 % confidence". */
export const GateRule = z
  .strictObject({
    name: z.string().min(1),
    /**
     * "<task kind>/<perturbation>", with `*` for any text; for `worst` a task kind, for `attackAccuracy`
     * "<task kind>/<attack>", for `unanswered` a task kind, too. `competency` has none.
     */
    condition: z.string().min(1).default('*'),
    figure: GateFigure,
    /** The strength of the attack that `attackAccuracy` is read at. */
    eps: z.number().nonnegative().optional(),
    /** The same as a multiple of the root mean square of the embeddings attacked. */
    epsRelative: z.number().nonnegative().optional(),
    atMost: threshold.optional(),
    atLeast: threshold.optional(),
    /** Of a verdict: that all conditions keep to the limit where it is `pass`, that one does not where it is `fail`. */
    confidence: z.number().gt(0.5).lt(1).default(0.95),
    /** With fewer samples the data do not decide, wherever the interval lies. */
    minimumSamples: z.number().int().positive().default(30),
    /** The verdict where the data do not decide. */
    onNotEnoughData: Verdict.default('inconclusive'),
  })
  .superRefine((rule, context) => {
    const say = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if ((rule.atMost === undefined) === (rule.atLeast === undefined))
      say('atMost', 'give either atMost or atLeast');
    const strengths = [rule.eps, rule.epsRelative].filter((strength) => strength !== undefined);
    if (strengths.length !== (rule.figure === 'attackAccuracy' ? 1 : 0))
      say(
        'eps',
        'attackAccuracy needs either eps or epsRelative, the strength of the attack; no other figure takes it',
      );
  });
export type GateRule = z.infer<typeof GateRule>;

/** A gate file (YAML or JSON). */
export const GateFile = z.strictObject({
  gates: z
    .array(GateRule)
    .min(1)
    .refine((rules) => new Set(rules.map(({ name }) => name)).size === rules.length, {
      error: 'two rules have the same name',
    }),
});
export type GateFile = z.infer<typeof GateFile>;

/**
 * What a rule found under one condition. `interval`: from the least to the most that the figure may be; one end is the bound that a `pass`
 * rests on, with the rule's confidence, the other the bound that a `fail` does, with that confidence for all conditions and rules
 * together. `value` is null where nothing could be
 * measured: no labels, or no hints.
 */
export const GateFinding = z.strictObject({
  condition: z.string(),
  value: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  n: z.number().int(),
  verdict: Verdict,
});
export type GateFinding = z.infer<typeof GateFinding>;

/** A rule's verdict: that of the condition that decides it, with what was found under every condition it matched. */
export const GateResult = GateFinding.extend({
  name: z.string(),
  figure: GateFigure,
  eps: z.number().optional(),
  epsRelative: z.number().optional(),
  limit: z.enum(['atMost', 'atLeast']),
  threshold: z.number(),
  confidence: z.number(),
  reason: z.string(),
  /** The rule's own condition, as it was written. */
  rule: z.string(),
  findings: z.array(GateFinding),
});
export type GateResult = z.infer<typeof GateResult>;
