import { z } from 'zod';
import { ArtifactRef } from './artifact.ts';
import { Diagnosis, DiagnosisMeasures, NotAsked, OpenFigures } from './diagnosis.ts';
import { EndpointUse, ServedModel } from './endpoint.ts';
import { GateResult } from './gate.ts';
import { MaskingCheck } from './masking.ts';
import { ErrorPatterns } from './pattern.ts';
import { AttackPoint, reportOrigin, Showcase, TalkedOut, Verdict } from './report.ts';
import { Task } from './task.ts';

/** A row of the robustness curve, as in the report of a run; nothing has been trained, so there is no `after`. */
const AttackRow = AttackPoint.omit({ accuracy: true }).extend({ before: z.number(), after: z.null() });

const ServerAsked = z.strictObject({
  url: z.string(),
  /** The model's name there. */
  model: z.string(),
  /** Whether prices are set: else nothing is known of the cost. */
  priced: z.boolean(),
});

/** A task of the team, as the task file has it; of a name that samples alone have nothing else is known. */
const TaskAsked = Task.pick({ name: true }).extend({
  ...Task.pick({ description: true, decides: true, owner: true }).partial().shape,
  /** Of one wrong decision, in the currency of the task file; 0: not said. */
  errorCost: z.number().nonnegative().optional(),
  decisionsPerMonth: z.number().int().nonnegative().optional(),
});

const WorkStep = z.strictObject({
  step: z.string(),
  /** "<task kind>/<perturbation>", or "<task kind>/<attack>"; several that were worked on together have their seconds together. */
  conditions: z.array(z.string()),
  /** 0 where it came from the cache. */
  seconds: z.number().nonnegative(),
  cached: z.boolean(),
});
export type WorkStep = z.infer<typeof WorkStep>;

/** The report of one diagnosis: in the shape of a run's report, as far as there is anything before training. */
export const DiagnosisReport = z.strictObject({
  ...reportOrigin,
  model: z.strictObject({ name: z.string(), base: z.string() }),
  /** Keyed by "<task kind>/<perturbation>". */
  base: z.record(z.string(), OpenFigures),
  pgd: z.array(AttackRow),
  /** Absent: nothing was attacked strongly. */
  masking: z.array(MaskingCheck).optional(),
  /** Attacks that the model does not allow, and why; absent: none was. */
  leftOut: Diagnosis.shape.leftOut,
  /** Absent: every sample of the split could be asked. */
  notAsked: NotAsked.optional(),
  measures: DiagnosisMeasures,
  /** By task kind the accuracy at each level; there where a level was asked for. */
  levels: Diagnosis.shape.levels,
  verdict: Verdict,
  /** Where the rules come from; the verdict of built-in ones never fails a command. */
  rules: z.enum(['given', 'built-in']),
  gates: z.array(GateResult),
  patterns: ErrorPatterns,
  examples: z.array(TalkedOut),
  /** Absent: no case, or an earlier version. */
  showcase: Showcase.optional(),
  /** What an endpoint was asked and cost; null for a folder. */
  endpoint: EndpointUse.nullable(),
  /** The server that was asked; its address is without what could be a key. Absent: a folder, or an earlier version. */
  server: ServerAsked.optional(),
  /** The team's own tasks that samples belong to, those of a task file with who answers for them. Absent: none. */
  tasks: z.array(TaskAsked).optional(),
  /** The work, a step each. Absent: an earlier version. */
  steps: z.array(WorkStep).optional(),
  /** Which model stood behind the address, and what of the verdict follows from that; absent: a folder, or nobody looked. */
  served: ServedModel.extend({
    findings: z.array(z.strictObject({ name: z.string(), verdict: Verdict, reason: z.string() })),
  }).optional(),
  artifacts: z.record(z.string(), ArtifactRef),
  /** Seconds of work per stage; a stage taken from the cache is 0. */
  seconds: z.record(z.string(), z.number()),
  cached: z.array(z.string()),
});
export type DiagnosisReport = z.infer<typeof DiagnosisReport>;
