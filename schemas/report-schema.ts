import { z } from 'zod';
import { RunReport } from './report.ts';

/** The report's JSON Schema (draft 2020-12), as docs/report.schema.json has it. */
export function reportSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(RunReport);
  return {
    $schema,
    title: 'modality-guard run report',
    description:
      'Accuracies and rates are shares from 0 to 1. Figures are keyed by "<task kind>/<perturbation>"; "origin" is no perturbation.',
    ...schema,
  };
}
