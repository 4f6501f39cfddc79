import { z } from 'zod';
import {
  catalogue,
  isPerturbationName,
  type PerturbationName,
  type PerturbedSample,
  type Sample,
  splits,
  taskKinds,
  textPositions,
} from '../schemas/benchmark.ts';
import { type Write, writeAtomically } from './atomic.ts';
import { canonicalJson } from './canonical.ts';
import { readParquetGroups } from './parquet/read.ts';
import type { Row, TableSchema } from './parquet/schema.ts';
import { badCell, oneOf, type Place } from './parquet/values.ts';
import { writeParquet } from './parquet/write.ts';

/** Columns of a benchmark file, in their order. */
const sampleColumns = {
  id: { kind: 'string' },
  taskKind: { kind: 'string' },
  split: { kind: 'string' },
  question: { kind: 'string' },
  options: { kind: 'list<string>' },
  answer: { kind: 'int32', nullable: true },
  context: { kind: 'string', nullable: true },
  image: { kind: 'image', nullable: true },
  source: { kind: 'string' },
} as const satisfies TableSchema;

/** Columns of a team's own data, there if any sample has them. */
const ownColumns = {
  task: { kind: 'string', nullable: true },
  /** A JSON object. */
  fields: { kind: 'string', nullable: true },
} as const satisfies TableSchema;

/** Columns of a file of perturbed samples. */
const perturbedColumns = {
  perturbation: { kind: 'string' },
  variant: { kind: 'string' },
  hinted: { kind: 'int32', nullable: true },
} as const satisfies TableSchema;

/** Columns of perturbed texts, there if any sample has them. */
const textColumns = {
  inside: { kind: 'string', nullable: true },
  after: { kind: 'string', nullable: true },
  family: { kind: 'string', nullable: true },
  position: { kind: 'string', nullable: true },
} as const satisfies TableSchema;

/** A clean benchmark file reads as samples under `origin`. */
const readColumns = {
  ...sampleColumns,
  task: { kind: 'string', nullable: true, mayLack: true },
  fields: { kind: 'string', nullable: true, mayLack: true },
  perturbation: { kind: 'string', nullable: true, mayLack: true },
  variant: { kind: 'string', nullable: true, mayLack: true },
  hinted: { kind: 'int32', nullable: true, mayLack: true },
  inside: { kind: 'string', nullable: true, mayLack: true },
  after: { kind: 'string', nullable: true, mayLack: true },
  family: { kind: 'string', nullable: true, mayLack: true },
  position: { kind: 'string', nullable: true, mayLack: true },
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

/** Writes the samples' table; the columns of a perturbation, a task or fields are there if any sample has one. */
export async function encodeSamples(
  samples: readonly (Sample | PerturbedSample)[],
  write: Write,
): Promise<number> {
  const own = samples.some(({ task, fields }) => task !== undefined || fields !== undefined);
  const perturbed = samples.some(isPerturbed);
  const all = perturbed ? samples.map(asPerturbed) : samples;
  const texts = all.some((sample) => 'position' in sample);
  const schema = {
    ...sampleColumns,
    ...(own ? ownColumns : {}),
    ...(perturbed ? perturbedColumns : {}),
    ...(texts ? textColumns : {}),
  };
  const rows = all.map(({ task, fields, ...sample }) => ({
    ...sample,
    ...(own ? { task: task ?? null, fields: fields === undefined ? null : canonicalJson(fields) } : {}),
    ...(texts ? { inside: null, after: null, family: null, position: null, ...sample } : {}),
  }));
  return writeParquet(schema, rows, write);
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

/**
 * Writes samples as they come, a row group at a time, atomically; with the columns of a team's own data.
 * @throws GuardError Storage, and what the samples' source throws
 */
export async function writeSampleStream(path: string, samples: AsyncIterable<Sample>): Promise<void> {
  async function* rows() {
    for await (const { task, fields, ...sample } of samples) {
      yield { ...sample, task: task ?? null, fields: fields === undefined ? null : canonicalJson(fields) };
    }
  }
  await writeAtomically(path, async (write) => {
    await writeParquet({ ...sampleColumns, ...ownColumns }, rows(), write);
  });
}

function fieldsOf(json: string, place: Place): Record<string, string> {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(json));
  } catch {
    throw badCell(place, 'it does not parse', 'a JSON object whose values are texts');
  }
}

/** @throws GuardError BadInput naming the cell and what names there are */
export function perturbationOf(name: string, place: Place): PerturbationName {
  if (isPerturbationName(name)) return name;
  const expected = `one of ${catalogue.join(', ')}, or a scenario as "<pack>/<scenario>"`;
  throw badCell(place, `"${name}" is not known`, expected);
}

function toSample(columns: Row<typeof readColumns>, path: string, number: number): PerturbedSample {
  const place = (column: string) => ({ path, row: number, column });
  const { task, fields, inside, after, family, position, ...row } = columns;
  return {
    ...row,
    ...(task === null ? {} : { task }),
    ...(fields === null ? {} : { fields: fieldsOf(fields, place('fields')) }),
    ...(inside === null ? {} : { inside }),
    ...(after === null ? {} : { after }),
    ...(family === null ? {} : { family }),
    ...(position === null ? {} : { position: oneOf(position, textPositions, place('position')) }),
    taskKind: oneOf(row.taskKind, taskKinds, place('taskKind')),
    split: oneOf(row.split, splits, place('split')),
    perturbation: perturbationOf(row.perturbation ?? 'origin', place('perturbation')),
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
