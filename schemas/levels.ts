import { z } from 'zod';
import { ScenarioPack } from './scenario.ts';
import { Task } from './task.ts';

/**
 * How hard a diagnosis tries; each level holds those before it. L0: nothing is perturbed. L1: each heuristic, those out of
 * distribution included. L2: the worst of them for each sample. L3: PGD. L4: one perturbation for many samples.
 */
export const levels = ['L0', 'L1', 'L2', 'L3', 'L4'] as const;
export const Level = z.enum(levels);
export type Level = z.infer<typeof Level>;

export const reaches = (level: Level | undefined, wanted: Level) =>
  level !== undefined && levels.indexOf(level) >= levels.indexOf(wanted);

/** Packs that a level brings along. */
export const levelPacks = ['corruptions', 'ocr-and-screens'] as const;

/** What is asked beyond the catalogue, as it lies in the store. */
export const PackSet = z.strictObject({
  tasks: z.array(Task),
  packs: z.array(
    z.strictObject({
      pack: ScenarioPack,
      /** Names of the tasks whose samples take it; null: all samples of its kind. */
      tasks: z.array(z.string()).nullable(),
    }),
  ),
});
export type PackSet = z.infer<typeof PackSet>;
