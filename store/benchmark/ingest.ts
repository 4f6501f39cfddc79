import { access, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Sample, type Split, splits, type TaskKind, taskKinds } from '../../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { readSampleGroups } from '../samples.ts';
import { photosOf } from './photos.ts';
import { emptyFile, RowChecker } from './rows.ts';

export interface Benchmark {
  samples: Record<Split, Sample[]>;
  /** Rows of each task kind, by split. */
  kinds: Record<Split, Record<TaskKind, number>>;
  /** Samples of a single file that were left out, as their photos are in a split that counts for more. */
  leftOut: number;
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

/** @throws GuardError BadInput naming the files of a benchmark that a folder lacks */
export async function checkBenchmarkFiles(folder: string): Promise<void> {
  const files = await benchmarkFiles(folder);
  if (files.length === 1) return;
  const missing: string[] = [];
  for (const { path } of files) if (!(await isThere(path))) missing.push(basename(path));
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

/** Splits from the one that the figures rest on to the one that loses least by a sample less. */
const byWeight = ['test', 'heldout', 'train'] as const satisfies readonly Split[];

/** Without the samples whose photos are in a split of more weight: published data repeat pictures from one part to another. */
function apart(samples: Record<Split, Sample[]>): Record<Split, Sample[]> {
  const owner = new Map<string, Split>();
  const result = { ...samples };
  for (const split of byWeight) {
    result[split] = samples[split].filter((sample) =>
      photosOf(sample).every(({ key }) => (owner.get(key) ?? split) === split),
    );
    for (const sample of result[split]) for (const { key } of photosOf(sample)) owner.set(key, split);
  }
  return result;
}

const asTest = (samples: Sample[]) => samples.map((sample) => ({ ...sample, split: 'test' as const }));

/**
 * Where nothing is set apart for testing, what is held out is the test split. What is for training alone can be trained on, or be
 * diagnosed: it is both, and `heldout` is empty, without which no run begins.
 */
function completed({ heldout, test, train }: Record<Split, Sample[]>): Record<Split, Sample[]> {
  if (test.length > 0) return apart({ train, test, heldout });
  if (heldout.length > 0) return apart({ train, test: asTest(heldout), heldout: [] });
  return { train, test: asTest(train), heldout };
}

async function ingestSingle(
  path: string,
  onProgress: (progress: IngestProgress) => void,
): Promise<Benchmark> {
  const checker = new RowChecker();
  const all = { train: [], test: [], heldout: [] } as Record<Split, Sample[]>;
  let rows = 0;
  for await (const group of readSampleGroups(path)) {
    for (const [i, sample] of group.samples.entries()) {
      checker.check(sample, sample.split, path, group.firstRow + i);
      all[sample.split].push(clean({ ...sample }));
      if (i % 256 === 255) await setImmediate();
    }
    rows += group.samples.length;
    onProgress({ file: path, rows, totalRows: group.totalRows });
  }
  if (rows === 0) throw emptyFile(path, 'test');
  const samples = completed(all);
  const left = splits.reduce((sum, split) => sum + samples[split].length, 0);
  const kinds = Object.fromEntries(
    splits.map((split) => {
      const counts = noKinds();
      for (const { taskKind } of samples[split]) counts[taskKind]++;
      return [split, counts];
    }),
  ) as Benchmark['kinds'];
  return { samples, kinds, leftOut: Math.max(0, rows - left) };
}

/**
 * Reads a benchmark folder (train.parquet, test.parquet, heldout.parquet), a row group at a time, and checks every
 * row: types, options, answer, image; names that are unique; photos that no two splits share. A folder that `ingest` wrote
 * has one file instead; splits that it does not set apart are then empty, and a photo in two of them stays in one.
 * @throws GuardError BadInput for the first fault, naming file, row and field
 */
export async function ingestBenchmark(
  folder: string,
  options: { onProgress?: (progress: IngestProgress) => void } = {},
): Promise<Benchmark> {
  await checkBenchmarkFiles(folder);
  const [only, ...others] = await benchmarkFiles(folder);
  if (only && others.length === 0) return ingestSingle(only.path, options.onProgress ?? (() => {}));
  const checker = new RowChecker();
  const samples = { train: [], test: [], heldout: [] } as Record<Split, Sample[]>;
  const kinds = {} as Record<Split, Record<TaskKind, number>>;
  for (const split of splits) {
    const path = join(folder, `${split}.parquet`);
    const counts = noKinds();
    for await (const group of readSampleGroups(path)) {
      for (const [i, sample] of group.samples.entries()) {
        checker.check(sample, split, path, group.firstRow + i);
        checker.checkPhotos(sample, split, path, group.firstRow + i);
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
  return { samples, kinds, leftOut: 0 };
}
