import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Sample, type Split, splits, type TaskKind, taskKinds } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { readSampleGroups } from '../samples.ts';
import { emptyFile, RowChecker } from './rows.ts';

export interface Benchmark {
  samples: Record<Split, Sample[]>;
  /** Rows of each task kind, by split. */
  kinds: Record<Split, Record<TaskKind, number>>;
}

export interface IngestProgress {
  file: string;
  /** Rows of this file that were read and found good. */
  rows: number;
  totalRows: number;
}

/** What `ingest` writes: all samples in one file, each with its split. */
const singleFile = 'samples.parquet';

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/** The files that a benchmark folder is read from, whether they are there or not. */
export async function benchmarkFiles(folder: string): Promise<{ name: string; path: string }[]> {
  const single = join(folder, singleFile);
  if ((await isThere(single)) && !(await isThere(join(folder, 'test.parquet')))) {
    return [{ name: 'samples', path: single }];
  }
  return splits.map((split) => ({ name: split, path: join(folder, `${split}.parquet`) }));
}

async function checkFiles(folder: string): Promise<void> {
  const missing: string[] = [];
  for (const split of splits) {
    if (!(await isThere(join(folder, `${split}.parquet`)))) missing.push(`${split}.parquet`);
  }
  if (missing.length === 0) return;
  const found = await readdir(folder).catch(() => undefined);
  const there = found
    ? `it has: ${found.sort().slice(0, 10).join(', ') || 'nothing'}`
    : 'there is no such folder';
  throw new GuardError(
    ErrorCode.BadInput,
    `${folder}: ${missing.join(', ')} missing (${there}); expected the files ` +
      `${splits.map((split) => `${split}.parquet`).join(', ')}, or ${singleFile} as "modality-guard ingest" writes it`,
  );
}

/** Only a benchmark's own columns: what perturbs a sample is decided later. */
function clean({
  perturbation: _,
  variant: __,
  hinted: ___,
  ...sample
}: Sample & Record<string, unknown>): Sample {
  return sample;
}

const noKinds = () => Object.fromEntries(taskKinds.map((kind) => [kind, 0])) as Record<TaskKind, number>;

/** A single file's samples; where none is set apart for testing, all of them are the test split. */
async function ingestSingle(
  path: string,
  onProgress: (progress: IngestProgress) => void,
): Promise<Benchmark> {
  const checker = new RowChecker();
  const all: Sample[] = [];
  for await (const group of readSampleGroups(path)) {
    for (const [i, sample] of group.samples.entries()) {
      checker.check(sample, sample.split, path, group.firstRow + i);
      all.push(clean({ ...sample }));
      if (i % 256 === 255) await setImmediate();
    }
    onProgress({ file: path, rows: all.length, totalRows: group.totalRows });
  }
  if (all.length === 0) throw emptyFile(path, 'test');
  const samples = { train: [], test: [], heldout: [] } as Record<Split, Sample[]>;
  const apart = all.some(({ split }) => split === 'test');
  for (const sample of all) {
    const split = apart ? sample.split : 'test';
    samples[split].push({ ...sample, split });
  }
  const kinds = Object.fromEntries(
    splits.map((split) => {
      const counts = noKinds();
      for (const { taskKind } of samples[split]) counts[taskKind]++;
      return [split, counts];
    }),
  ) as Benchmark['kinds'];
  return { samples, kinds };
}

/**
 * Reads a benchmark folder (train.parquet, test.parquet, heldout.parquet), a row group at a time, and checks every
 * row: types, options, answer, image; names that are unique; photos that no two splits share. A folder that `ingest` wrote
 * has one file instead; splits that it does not set apart are then empty.
 * @throws GuardError BadInput for the first fault, naming file, row and field
 */
export async function ingestBenchmark(
  folder: string,
  options: { onProgress?: (progress: IngestProgress) => void } = {},
): Promise<Benchmark> {
  const [only, ...others] = await benchmarkFiles(folder);
  if (only && others.length === 0) return ingestSingle(only.path, options.onProgress ?? (() => {}));
  await checkFiles(folder);
  const checker = new RowChecker();
  const samples = { train: [], test: [], heldout: [] } as Record<Split, Sample[]>;
  const kinds = {} as Record<Split, Record<TaskKind, number>>;
  for (const split of splits) {
    const path = join(folder, `${split}.parquet`);
    const counts = noKinds();
    for await (const group of readSampleGroups(path)) {
      for (const [i, sample] of group.samples.entries()) {
        checker.check(sample, split, path, group.firstRow + i);
        samples[split].push(clean({ ...sample }));
        counts[sample.taskKind]++;
        // Decoding images takes its time: let heartbeats and signals through.
        if (i % 256 === 255) await setImmediate();
      }
      options.onProgress?.({ file: path, rows: samples[split].length, totalRows: group.totalRows });
    }
    if (samples[split].length === 0) throw emptyFile(path, split);
    kinds[split] = counts;
  }
  return { samples, kinds };
}
