import { z } from 'zod';
import { taskKinds } from './benchmark.ts';
import { OpenFigures } from './diagnosis.ts';
import { ScoredPrediction } from './report.ts';
import { mostOfAnything, Task } from './task.ts';

const share = z.number().min(0).max(1);
const amount = z.number().nonnegative().max(mostOfAnything);
const positive = z
  .number()
  .min(1 / mostOfAnything)
  .max(mostOfAnything);
const samples = z.number().int().nonnegative().max(mostOfAnything);
const kindCounts = z.strictObject({ image_heavy: samples, text_heavy: samples, vqa: samples }).partial();

/** How much of the traffic carries misinformation in the modality that must not decide. */
const Exposure = z.strictObject({
  /** Share of a task's decisions that carry any. The default is an assumption, and estimates say so. */
  share: share.optional(),
  /** In place of `share`, by task. */
  tasks: z.record(z.string(), share).default({}),
  /** How it divides over the perturbations, by weight; those not named have none. Absent: evenly over those measured. */
  mix: z.record(z.string(), amount).optional(),
});

/** A prices file (YAML or JSON): what errors, work and machines cost. Money is in `currency` throughout. */
export const Prices = z.strictObject({
  currency: z.string().min(1),
  /** The savings of this many months count. */
  horizonMonths: z.number().int().positive().max(1200).default(12),
  /** Yearly return that the money must bring at least; later savings count less by it. */
  hurdleRate: z.number().min(0).max(10).default(0.1),
  exposure: Exposure.prefault({}),
  /** Machines that could train; the cheapest one for the work is taken. */
  devices: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        pricePerHour: amount,
        /** 2: twice as fast as the machine that measured the step time. */
        speedRelativeToThis: positive.default(1),
      }),
    )
    .min(1)
    .refine((devices) => new Set(devices.map(({ name }) => name)).size === devices.length, {
      error: 'two devices have the same name',
    }),
  /** Price of the answer to one new sample. Absent: nobody knows, and estimates say so. */
  labelling: z.strictObject({ perSample: amount }).optional(),
  /** Asking a model behind an endpoint; the repaired model is diagnosed `diagnoses` times. */
  endpoint: z
    .strictObject({ perThousandRequests: amount, diagnoses: z.number().int().min(0).default(1) })
    .optional(),
  /** Hours of people for the repair. */
  people: z.array(z.strictObject({ role: z.string().min(1), hours: amount, perHour: amount })).default([]),
  /** Labelled samples that are there; by default what the pilot found, else none. */
  available: kindCounts.optional(),
  /** The training where neither pilot nor report has measured it. */
  training: z
    .strictObject({
      steps: z.number().int().positive(),
      batch: z.number().int().positive().multipleOf(8),
      secondsPerStep: positive,
    })
    .partial()
    .default({}),
  /** Used where no task file is given. */
  tasks: z.array(Task).default([]),
});
export type Prices = z.infer<typeof Prices>;

/** Accuracy and its uncertainty after a training of some steps. */
export const PilotPoint = z.strictObject({
  /** Of the pilot's steps, and so of its data: each step takes new rows. 0: the model as it is. */
  share,
  steps: z.number().int().nonnegative(),
  /** Keyed by "<task kind>/<perturbation>". */
  figures: z.record(z.string(), OpenFigures),
});
export type PilotPoint = z.infer<typeof PilotPoint>;

/** What short trainings on growing shares of the data reached: the same on every machine. */
export const PilotFigures = z.strictObject({
  kind: z.literal('pilot'),
  model: z.string(),
  seed: z.number().int(),
  /** Rows a step. */
  batch: z.number().int().positive(),
  /** Labelled samples that there are to train on: of the training split, and of what is mixed in for the kinds that it lacks. */
  available: kindCounts,
  /** The set that those kinds come from; absent: nothing is mixed in. */
  mix: z.strictObject({ from: z.string(), kinds: z.array(z.enum(taskKinds)) }).optional(),
  /** In rising order of steps; the first one is the model as it is. */
  points: z.array(PilotPoint).min(1),
  /** Perturbations that point to the right option. */
  rightHints: z.array(z.string()).optional(),
});
export type PilotFigures = z.infer<typeof PilotFigures>;

/** pilot.json: with the time that a step of the longest training took (median), where it was done; null: not measured. */
export const Pilot = PilotFigures.extend({ secondsPerStep: positive.nullable() });
export type Pilot = z.infer<typeof Pilot>;

/** A prediction of a pilot beside what the real training reached, in the project's record. */
export const PredictionScore = ScoredPrediction.extend({
  at: z.string(),
  workflowId: z.string(),
  model: z.string(),
});
export type PredictionScore = z.infer<typeof PredictionScore>;

/** How good earlier predictions were; null where there is none yet. */
export interface TrackRecord {
  count: number;
  /** Share of the intervals that held what came out. */
  coverage: number | null;
  meanAbsoluteError: number | null;
}
