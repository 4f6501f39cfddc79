import { z } from 'zod';
import { Level } from './levels.ts';
import { LargestDrop, LowestAccuracy } from './repair.ts';
import { AttackLeftOut, AttackPoint, ConditionFigures } from './report.ts';

const share = z.number().min(0).max(1);
const interval = z.tuple([z.number(), z.number()]);

/**
 * Figures of a condition whose samples may lack labels: accuracy and its interval are then null. `changeRate` is null where no
 * sample was answered both with and without the perturbation.
 */
export const OpenFigures = ConditionFigures.extend({
  accuracy: share.nullable(),
  changeRate: share.nullable(),
  ci95: interval.nullable(),
});
export type OpenFigures = z.infer<typeof OpenFigures>;

/** How much accuracy a perturbation costs, on the samples that were answered with and without it. */
export const AccuracyDrop = z.strictObject({
  /** Accuracy without minus accuracy with the perturbation, on the same samples. */
  drop: z.number(),
  /** Tango's score interval over source items, 95 %, two-sided. */
  ci95: interval,
  /** With 95 % confidence no more than this is lost (one-sided): what a rule's pass rests on. Absent: an earlier version. */
  atMost: z.number().optional(),
  /** McNemar's exact test, two-sided, or his score test over source items: the larger. */
  pValue: z.number(),
  /** Holm's adjustment over all conditions of the diagnosis. */
  pAdjusted: z.number(),
  /** Pairs of which at least one was answered. */
  n: z.number().int(),
  /** Pairs, of all that were asked, of which one or both were not answered; absent: none. */
  unanswered: z.number().int().positive().optional(),
  /** Pairs that would show a drop of `relevantDrop` at the 5 % level with a power of 80 %. */
  pairsNeeded: z.number().int(),
  /**
   * `drop`: the interval lies above 0 and the adjusted p-value is below .05. `no_relevant_drop`: `atMost` keeps to
   * `relevantDrop`. `at_chance`: neither can be said, as the model does no better than chance without the perturbation. Else there is
   * not enough data to say.
   */
  verdict: z.enum(['drop', 'no_relevant_drop', 'not_enough_data', 'at_chance']),
});
export type AccuracyDrop = z.infer<typeof AccuracyDrop>;

const PlainDrop = AccuracyDrop.pick({ drop: true, ci95: true, n: true });

/** The samples of a text condition whose text is of one family of templates, or stands in one place. */
export const ConditionSlice = z.strictObject({
  n: z.number().int(),
  accuracy: share.nullable(),
  ci95: interval.nullable(),
  /** Null where nothing was answered. */
  changeRate: share.nullable(),
  followed: share.optional(),
  /** Against the clean answers, with its interval over source items, 95 %; null without labels. */
  drop: PlainDrop.nullable(),
  /** Against neutral text of the same length in the same place; null without labels, and where that was not measured. */
  dropAgainstControl: PlainDrop.nullable(),
});
export type ConditionSlice = z.infer<typeof ConditionSlice>;

export const ConditionMeasures = z.strictObject({
  /** Mean over samples of the Jensen-Shannon divergence between the clean and the perturbed answers, nats; null: no sample has both. */
  js: z.number().nullable(),
  /** Expected calibration error of what was answered; null without labels. */
  ece: share.nullable(),
  /** Null without labels, and for `origin`. */
  drop: AccuracyDrop.nullable(),
  /**
   * Of a text: accuracy under neutral text of the same length in the same place (`<perturbation>_control`) minus that under the text, paired;
   * adjusted over all texts. Absent where that was not measured.
   */
  dropAgainstControl: AccuracyDrop.nullable().optional(),
  /** Of a text with several: by family of its templates, and by place. */
  families: z.record(z.string(), ConditionSlice).optional(),
  positions: z.record(z.string(), ConditionSlice).optional(),
});
export type ConditionMeasures = z.infer<typeof ConditionMeasures>;

const count = z.number().int().nonnegative();

const Share = z.strictObject({
  share,
  ci95: interval,
  /** Samples that were asked every condition; the figure is theirs. */
  n: z.number().int(),
  /** Samples that were asked less, and do not count. Absent: an earlier version counted them in. */
  leftOut: count.optional(),
});
export type Share = z.infer<typeof Share>;

/** `conditions`: perturbations that each sample had to stand. */
const WorstShare = Share.extend({ conditions: count.optional() });

/** What an answer without understanding would reach on the unperturbed samples, and whether the model does more. */
export const Floor = z.strictObject({
  /** Null without labels. */
  accuracy: share.nullable(),
  ci95: interval.nullable(),
  /** Guessing, or choosing letters as often as the model does, whatever is asked: the larger. Null without labels. */
  chance: share.nullable(),
  n: z.number().int(),
  /** The interval reaches down to chance: the model cannot be diagnosed there. Never with fewer than 30 samples. */
  atChance: z.boolean(),
});
export type Floor = z.infer<typeof Floor>;

/** What a condition does to the samples of one task of the team's own. */
export const TaskCondition = z.strictObject({
  /** Paired, with its interval over source items; null without labels. */
  drop: AccuracyDrop.pick({ drop: true, ci95: true, n: true }).nullable(),
  changeRate: share.nullable(),
  n: z.number().int(),
});
export type TaskCondition = z.infer<typeof TaskCondition>;

export const DiagnosisMeasures = z.strictObject({
  /** The drop that matters, a share: smaller ones count as none. */
  relevantDrop: z.number(),
  /** Keyed by "<task kind>/<perturbation>". */
  conditions: z.record(z.string(), ConditionMeasures),
  /** By task kind: right under every perturbation that was measured, the worst of all for each sample. */
  worst: z.record(z.string(), WorstShare),
  /** Right on one sample of each kind under its worst perturbation; null unless all three kinds have labels. */
  competency: Share.nullable(),
  /**
   * By task kind how much the answers lean on each modality, 0 to 1 (docs/statistics.md); null: not measured.
   */
  reliance: z.record(z.string(), z.strictObject({ image: Share.nullable(), text: Share.nullable() })),
  letters: z.strictObject({
    predicted: z.array(share),
    answers: z.array(share).nullable(),
    /** Null where nothing was answered. */
    bias: share.nullable(),
  }),
  /** Over the conditions of interference, without kinds of task at chance; null: none was measured with labels. */
  lowest: LowestAccuracy.nullable().optional(),
  largest: LargestDrop.nullable().optional(),
  /** By task kind; absent: not checked. */
  floors: z.record(z.string(), Floor).optional(),
  /** By the team's own task. */
  taskFloors: z.record(z.string(), Floor).optional(),
  /** By the team's own task and "<task kind>/<perturbation>"; there where samples have tasks. */
  tasks: z.record(z.string(), z.record(z.string(), TaskCondition)).optional(),
  /** Perturbations that point to the right option, those of packs included: no interference. */
  rightHints: z.array(z.string()).optional(),
});
export type DiagnosisMeasures = z.infer<typeof DiagnosisMeasures>;

/** What one model's diagnosis found, as it lies in the store. */
/** Questions of the split that were not asked: they have more options than the model has letters. */
export const NotAsked = z.strictObject({
  samples: z.number().int().nonnegative(),
  mostOptions: z.number().int().positive(),
});
export type NotAsked = z.infer<typeof NotAsked>;

export const Diagnosis = z.strictObject({
  /** Keyed by "<task kind>/<perturbation>". */
  figures: z.record(z.string(), OpenFigures),
  attacks: z.array(AttackPoint),
  /** Attacks that the model does not allow; absent: none was. */
  leftOut: z.array(AttackLeftOut).optional(),
  measures: DiagnosisMeasures,
  /** By task kind the accuracy at each level that was measured. */
  levels: z.record(z.string(), z.partialRecord(Level, share)).optional(),
});
export type Diagnosis = z.infer<typeof Diagnosis>;
