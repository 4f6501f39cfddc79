import {
  PerturbationName,
  type PerturbedSample,
  type Sample,
  splits,
  taskKinds,
} from '../schemas/benchmark.ts';
import { type Write, writeAtomically } from './atomic.ts';
import { readParquetGroups } from './parquet/read.ts';
import type { Row, TableSchema } from './parquet/schema.ts';
import { oneOf } from './parquet/values.ts';
import { writeParquet } from './parquet/write.ts';

/** Columns of a benchmark file, in their order. */
const sampleColumns = {
  id: { kind: 'string' },
  taskKind: { kind: 'string' },
  split: { kind: 'string' },
  question: { kind: 'string' },
  options: { kind: 'list<string>' },
  answer: { kind: 'int32' },
  context: { kind: 'string', nullable: true },
  image: { kind: 'image', nullable: true },
  source: { kind: 'string' },
} as const satisfies TableSchema;

/** Columns of a file of perturbed samples. */
const perturbedColumns = {
  ...sampleColumns,
  perturbation: { kind: 'string' },
  variant: { kind: 'string' },
  hinted: { kind: 'int32', nullable: true },
} as const satisfies TableSchema;

/** A clean benchmark file reads as samples under `origin`. */
const readColumns = {
  ...sampleColumns,
  perturbation: { kind: 'string', nullable: true, mayLack: true },
  variant: { kind: 'string', nullable: true, mayLack: true },
  hinted: { kind: 'int32', nullable: true, mayLack: true },
} as const satisfies TableSchema;

export interface SampleGroup {
  /** Number of the first sample's row in the file, counted from 0. */
  firstRow: number;
  totalRows: number;
  samples: PerturbedSample[];
}

const isPerturbed = (sample: Sample | PerturbedSample): sample is PerturbedSample => 'perturbation' in sample;

const asPerturbed = (sample: Sample | PerturbedSample): PerturbedSample =>
  isPerturbed(sample) ? sample : { ...sample, perturbation: 'origin', variant: '', hinted: null };

/** Writes the samples' table; the columns of a perturbation are there if any sample has one. */
export async function encodeSamples(
  samples: readonly (Sample | PerturbedSample)[],
  write: Write,
): Promise<number> {
  if (samples.some(isPerturbed)) return writeParquet(perturbedColumns, samples.map(asPerturbed), write);
  return writeParquet(sampleColumns, samples, write);
}

/** Writes samples as a Parquet file, atomically. The same samples give the same bytes. */
export async function writeSamplesFile(
  path: string,
  samples: readonly (Sample | PerturbedSample)[],
): Promise<void> {
  await writeAtomically(path, async (write) => {
    await encodeSamples(samples, write);
  });
}

function toSample(row: Row<typeof readColumns>, path: string, number: number): PerturbedSample {
  const place = (column: string) => ({ path, row: number, column });
  return {
    ...row,
    taskKind: oneOf(row.taskKind, taskKinds, place('taskKind')),
    split: oneOf(row.split, splits, place('split')),
    perturbation: oneOf(row.perturbation ?? 'origin', PerturbationName.options, place('perturbation')),
    variant: row.variant ?? '',
  };
}

/** Reads samples, clean or perturbed, a row group at a time. @throws GuardError BadInput naming file, row and field */
export async function* readSampleGroups(path: string): AsyncGenerator<SampleGroup> {
  for await (const { firstRow, totalRows, rows } of readParquetGroups(path, readColumns)) {
    yield { firstRow, totalRows, samples: rows.map((row, i) => toSample(row, path, firstRow + i)) };
  }
}

/** All samples of a file; clean ones come as samples under `origin`. @throws GuardError BadInput */
export async function readSamples(path: string): Promise<PerturbedSample[]> {
  const all: PerturbedSample[] = [];
  for await (const group of readSampleGroups(path)) {
    for (const sample of group.samples) all.push(sample);
  }
  return all;
}
