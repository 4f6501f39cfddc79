import { type Prediction, taskKinds } from '../schemas/benchmark.ts';
import type { Row, TableSchema } from './parquet/schema.ts';
import { oneOf } from './parquet/values.ts';
import { perturbationOf } from './samples.ts';

/** Columns of a file of predictions. */
export const predictionColumns = {
  id: { kind: 'string' },
  taskKind: { kind: 'string' },
  perturbation: { kind: 'string' },
  answer: { kind: 'int32', nullable: true },
  predicted: { kind: 'int32' },
  probabilities: { kind: 'list<float64>' },
} as const satisfies TableSchema;

export function decodePrediction(
  row: Row<typeof predictionColumns>,
  path: string,
  number: number,
): Prediction {
  const place = (column: string) => ({ path, row: number, column });
  return {
    ...row,
    taskKind: oneOf(row.taskKind, taskKinds, place('taskKind')),
    perturbation: perturbationOf(row.perturbation, place('perturbation')),
  };
}
