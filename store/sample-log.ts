import type { SampleLogRow } from '../schemas/sample-log.ts';
import { readParquet } from './parquet/read.ts';
import type { TableSchema } from './parquet/schema.ts';
import { writeTableFile } from './tables.ts';

const logColumns = {
  id: { kind: 'string' },
  task: { kind: 'string' },
  kind: { kind: 'string' },
  source: { kind: 'string' },
  perturbation: { kind: 'string' },
  template: { kind: 'string' },
  family: { kind: 'string', nullable: true },
  position: { kind: 'string', nullable: true },
  options: { kind: 'list<string>' },
  answer: { kind: 'int32', nullable: true },
  hinted: { kind: 'int32', nullable: true },
  hintedOption: { kind: 'string', nullable: true },
  cleanPredicted: { kind: 'int32', nullable: true },
  predicted: { kind: 'int32', nullable: true },
  cleanOutcome: { kind: 'string' },
  outcome: { kind: 'string' },
  cleanProbabilities: { kind: 'list<float64>' },
  probabilities: { kind: 'list<float64>' },
  cleanConfidence: { kind: 'float64', nullable: true },
  confidence: { kind: 'float64', nullable: true },
  changed: { kind: 'bool', nullable: true },
  talkedOut: { kind: 'bool', nullable: true },
  brightness: { kind: 'float64', nullable: true },
  textLength: { kind: 'int32' },
  textWords: { kind: 'int32' },
} as const satisfies TableSchema & Record<keyof SampleLogRow, unknown>;

/** Writes the per-sample log of a diagnosis as Parquet, atomically. */
export function writeSampleLog(path: string, rows: readonly SampleLogRow[]): Promise<void> {
  return writeTableFile(path, logColumns, rows);
}

/** @throws GuardError BadInput naming file, row and field */
export async function readSampleLog(path: string): Promise<SampleLogRow[]> {
  return (await readParquet(path, logColumns)) as SampleLogRow[];
}
