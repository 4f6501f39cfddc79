import { PerturbationName, type Prediction, taskKinds } from '../schemas/benchmark.ts';
import type { Row, TableSchema } from './parquet/schema.ts';
import { oneOf } from './parquet/values.ts';

/** Columns of a file of predictions. */
export const predictionColumns = {
  id: { kind: 'string' },
  taskKind: { kind: 'string' },
  perturbation: { kind: 'string' },
  answer: { kind: 'int32' },
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
    perturbation: oneOf(row.perturbation, PerturbationName.options, place('perturbation')),
  };
}
