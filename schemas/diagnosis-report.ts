import { z } from 'zod';
import { ArtifactRef } from './artifact.ts';
import { Diagnosis, DiagnosisMeasures, NotAsked, OpenFigures } from './diagnosis.ts';
import { EndpointUse, ServedModel } from './endpoint.ts';
import { GateResult } from './gate.ts';
import { MaskingCheck } from './masking.ts';
import { ErrorPatterns } from './pattern.ts';
import { AttackPoint, reportOrigin, TalkedOut, Verdict } from './report.ts';

/** A row of the robustness curve, as in the report of a run; nothing has been trained, so there is no `after`. */
const AttackRow = AttackPoint.omit({ accuracy: true }).extend({ before: z.number(), after: z.null() });

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
  /** What an endpoint was asked and cost; null for a folder. */
  endpoint: EndpointUse.nullable(),
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
