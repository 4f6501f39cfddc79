import { type ArtifactRef, MediaType } from '../schemas/artifact.ts';
import type { PerturbedSample, Prediction, Sample } from '../schemas/benchmark.ts';
import type { LossPoint } from '../schemas/report.ts';
import type { ArtifactStore } from './artifacts.ts';
import { type Write, writeAtomically } from './atomic.ts';
import { readParquet } from './parquet/read.ts';
import type { Row, TableSchema } from './parquet/schema.ts';
import { writeParquet } from './parquet/write.ts';
import { decodePrediction, encodePredictions, readPredictionColumns } from './predictions.ts';
import { encodeSamples } from './samples.ts';

async function storeTable(
  store: ArtifactStore,
  encode: (write: Write) => Promise<number>,
): Promise<ArtifactRef> {
  let rows = 0;
  const fill = async (write: Write) => {
    rows = await encode(write);
  };
  return store.create(MediaType.Parquet, fill, () => rows);
}

/** Writes rows of any column schema as a Parquet file, atomically. @throws TypeError naming row and column */
export async function writeTableFile<S extends TableSchema>(
  path: string,
  schema: S,
  rows: Iterable<Row<S>> | AsyncIterable<Row<S>>,
): Promise<void> {
  await writeAtomically(path, async (write) => {
    await writeParquet(schema, rows, write);
  });
}

/** Stores rows of any column schema as Parquet. */
export const writeTable = <S extends TableSchema>(
  store: ArtifactStore,
  schema: S,
  rows: Iterable<Row<S>> | AsyncIterable<Row<S>>,
): Promise<ArtifactRef> => storeTable(store, (write) => writeParquet(schema, rows, write));

export const writeSamples = (
  store: ArtifactStore,
  samples: readonly (Sample | PerturbedSample)[],
): Promise<ArtifactRef> => storeTable(store, (write) => encodeSamples(samples, write));

export const writePredictions = (
  store: ArtifactStore,
  predictions: readonly Prediction[],
): Promise<ArtifactRef> => storeTable(store, (write) => encodePredictions(predictions, write));

/** @throws GuardError BadInput naming file, row and field */
export async function readPredictions(path: string): Promise<Prediction[]> {
  const rows = await readParquet(path, readPredictionColumns);
  return rows.map((row, i) => decodePrediction(row, path, i));
}

const lossColumns = {
  step: { kind: 'int32' },
  total: { kind: 'float64' },
  sft: { kind: 'float64' },
  adversarial: { kind: 'float64' },
  consistency: { kind: 'float64' },
  learningRate: { kind: 'float64' },
  gradientNorm: { kind: 'float64' },
} as const satisfies TableSchema;

export const writeLosses = (store: ArtifactStore, losses: readonly LossPoint[]): Promise<ArtifactRef> =>
  storeTable(store, (write) => writeParquet(lossColumns, losses, write));

/** @throws GuardError BadInput naming file, row and field */
export const readLosses = (path: string): Promise<LossPoint[]> => readParquet(path, lossColumns);
