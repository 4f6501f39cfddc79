import { isAnswered, Outcome, type Prediction, taskKinds } from '../schemas/benchmark.ts';
import type { Write } from './atomic.ts';
import type { Row, TableSchema } from './parquet/schema.ts';
import { oneOf } from './parquet/values.ts';
import { writeParquet } from './parquet/write.ts';
import { perturbationOf } from './samples.ts';

/** Columns of a file of predictions. */
const predictionColumns = {
  id: { kind: 'string' },
  taskKind: { kind: 'string' },
  perturbation: { kind: 'string' },
  answer: { kind: 'int32', nullable: true },
  /** Null: not answered. */
  predicted: { kind: 'int32', nullable: true },
  probabilities: { kind: 'list<float64>' },
} as const satisfies TableSchema;

/** With the column that is there if any question has no answer. */
const outcomeColumns = {
  ...predictionColumns,
  outcome: { kind: 'string' },
} as const satisfies TableSchema;

/** What a file of predictions reads as. */
export const readPredictionColumns = {
  ...predictionColumns,
  outcome: { kind: 'string', nullable: true, mayLack: true },
} as const satisfies TableSchema;

export function encodePredictions(predictions: readonly Prediction[], write: Write): Promise<number> {
  if (predictions.every(isAnswered)) return writeParquet(predictionColumns, predictions, write);
  const rows = predictions.map((row) => ({ ...row, outcome: row.outcome ?? 'answered' }));
  return writeParquet(outcomeColumns, rows, write);
}

export function decodePrediction(
  { outcome, ...row }: Row<typeof readPredictionColumns>,
  path: string,
  number: number,
): Prediction {
  const place = (column: string) => ({ path, row: number, column });
  return {
    ...row,
    ...(outcome === null ? {} : { outcome: oneOf(outcome, Outcome.options, place('outcome')) }),
    taskKind: oneOf(row.taskKind, taskKinds, place('taskKind')),
    perturbation: perturbationOf(row.perturbation, place('perturbation')),
  };
}
