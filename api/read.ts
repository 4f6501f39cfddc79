import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile } from '../models/index.ts';
import { type Sample, type Split, splits } from '../schemas/benchmark.ts';
import { DiagnosisReport } from '../schemas/diagnosis-report.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { RunReport } from '../schemas/report.ts';
import { readSamples } from '../store/index.ts';

export type BenchmarkSplit = Split;

/**
 * The samples of a folder that `modality-guard ingest` wrote: `<split>.parquet` in it. Throws GuardError BAD_INPUT naming the file, and the
 * row and field where one is wrong.
 */
export async function readBenchmark(folder: string, split: BenchmarkSplit = 'test'): Promise<Sample[]> {
  if (!splits.includes(split))
    throw new GuardError(ErrorCode.BadInput, `split is "${split}"; expected one of ${splits.join(', ')}`);
  return readSamples(join(folder, `${split}.parquet`));
}

/**
 * The JSON of a report: of a run (with `rollout`) or of a diagnosis (with `verdict`). Throws GuardError BAD_INPUT naming the file, and the field
 * where one is wrong. The schema for other languages: docs/report.schema.json.
 */
export async function readReport(path: string): Promise<RunReport | DiagnosisReport> {
  const json = await readJsonFile(path, ErrorCode.BadInput);
  const isRun = typeof json === 'object' && json !== null && 'rollout' in json;
  const parsed = (isRun ? RunReport : DiagnosisReport).safeParse(json);
  if (parsed.success) return parsed.data;
  const what = `${path}: is not a report of a ${isRun ? 'run' : 'diagnosis'} of this version:\n${z.prettifyError(parsed.error)}`;
  throw new GuardError(ErrorCode.BadInput, what);
}
