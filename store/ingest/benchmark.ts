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

async function checkFiles(folder: string): Promise<void> {
  const missing: string[] = [];
  for (const split of splits) {
    await access(join(folder, `${split}.parquet`)).catch(() => missing.push(`${split}.parquet`));
  }
  if (missing.length === 0) return;
  const found = await readdir(folder).catch(() => undefined);
  const there = found
    ? `it has: ${found.sort().slice(0, 10).join(', ') || 'nothing'}`
    : 'there is no such folder';
  throw new GuardError(
    ErrorCode.BadInput,
    `${folder}: ${missing.join(', ')} missing (${there}); expected the files ` +
      `${splits.map((split) => `${split}.parquet`).join(', ')}: name the folder that holds them`,
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

/**
 * Reads a benchmark folder (train.parquet, test.parquet, heldout.parquet), a row group at a time, and checks every
 * row: types, options, answer, image; names that are unique; photos that no two splits share.
 * @throws GuardError BadInput for the first fault, naming file, row and field
 */
export async function ingestBenchmark(
  folder: string,
  options: { onProgress?: (progress: IngestProgress) => void } = {},
): Promise<Benchmark> {
  await checkFiles(folder);
  const checker = new RowChecker();
  const samples = { train: [], test: [], heldout: [] } as Record<Split, Sample[]>;
  const kinds = {} as Record<Split, Record<TaskKind, number>>;
  for (const split of splits) {
    const path = join(folder, `${split}.parquet`);
    const counts = Object.fromEntries(taskKinds.map((kind) => [kind, 0])) as Record<TaskKind, number>;
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
