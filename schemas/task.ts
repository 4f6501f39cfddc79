import { z } from 'zod';
import type { TaskKind } from './benchmark.ts';

/** The modality that must decide a task's answers. */
export const Decides = z.enum(['image', 'text', 'both']);
export type Decides = z.infer<typeof Decides>;

export const kindOf: Readonly<Record<Decides, TaskKind>> = {
  image: 'image_heavy',
  text: 'text_heavy',
  both: 'vqa',
};

/** More of any currency or of decisions a month is a slip of the finger, and sums of it would leave the range of numbers. */
export const mostOfAnything = 1e12;

/** One task of a team's business. */
export const Task = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*$/, { error: 'expected lower-case letters, digits and hyphens' }),
  description: z.string().optional(),
  decides: Decides,
  /** What is gated on: accuracy, or for data without labels how often the answer changes. */
  metric: z.enum(['accuracy', 'change_rate']).default('accuracy'),
  /** Cost of one wrong decision, in the currency of the estimate. */
  errorCost: z.number().nonnegative().max(mostOfAnything).default(0),
  /** How many decisions of this task are made in a month. */
  decisionsPerMonth: z.number().int().nonnegative().max(mostOfAnything).default(0),
  /** Who answers for the task. */
  owner: z.string().min(1),
  /** Scenario packs that are the misinformation of this task; empty: the catalogue of its kind. */
  scenarios: z.array(z.string()).default([]),
  /** Which rows belong to it, by their fields; absent: all rows of this kind that no other task takes. */
  match: z.record(z.string(), z.string()).optional(),
});
export type Task = z.infer<typeof Task>;

/** A task file (YAML or JSON): which modality must decide, what is measured, what an error costs, who owns it. */
export const TaskFile = z.strictObject({
  tasks: z
    .array(Task)
    .min(1)
    .refine((tasks) => new Set(tasks.map(({ name }) => name)).size === tasks.length, {
      error: 'two tasks have the same name',
    }),
});
export type TaskFile = z.infer<typeof TaskFile>;
