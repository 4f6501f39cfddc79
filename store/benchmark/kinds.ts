import { type Split, splits, type TaskKind, taskKinds } from '../../schemas/benchmark.ts';
import { readParquetGroups } from '../parquet/read.ts';
import { benchmarkFiles } from './ingest.ts';

const columns = {
  taskKind: { kind: 'string' },
  split: { kind: 'string' },
  options: { kind: 'list<string>' },
  answer: { kind: 'int32', nullable: true },
} as const;

/**
 * How many labelled training samples of each kind a benchmark folder has that a model with so many option letters can be asked. Reads
 * no picture and checks no row: `ingestBenchmark` does. @throws GuardError BadInput for a file that cannot be read
 */
export async function trainingKinds(folder: string, mostOptions: number): Promise<Record<TaskKind, number>> {
  const counts = Object.fromEntries(taskKinds.map((kind) => [kind, 0])) as Record<TaskKind, number>;
  const files = await benchmarkFiles(folder);
  const path = (files.find(({ name }) => name === 'train') ?? files[0]!).path;
  for await (const { rows } of readParquetGroups(path, columns)) {
    for (const { answer, options, split, taskKind } of rows)
      if (split === splits[0] && answer !== null && options.length <= mostOptions && taskKind in counts)
        counts[taskKind as TaskKind]++;
  }
  return counts;
}

/**
 * The kinds of task that a diagnosis of a benchmark folder finds samples of: those of the test split, where it has none of what is held out, else
 * of what is for training. Reads no picture and checks no row. @throws GuardError BadInput for a file that is missing or cannot be read
 */
export async function diagnosedKinds(folder: string): Promise<TaskKind[]> {
  const found: Record<Split, Set<string>> = { train: new Set(), test: new Set(), heldout: new Set() };
  const files = await benchmarkFiles(folder);
  for (const { path } of files.filter(({ name }) => name === 'samples' || name === 'test'))
    for await (const { rows } of readParquetGroups(path, {
      taskKind: columns.taskKind,
      split: columns.split,
    }))
      for (const { split, taskKind } of rows) found[split as Split]?.add(taskKind);
  const asked = [found.test, found.heldout, found.train].find(({ size }) => size > 0);
  return taskKinds.filter((kind) => asked?.has(kind));
}
