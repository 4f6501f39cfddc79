import { setImmediate } from 'node:timers/promises';
import { type PerturbedSample, taskKinds } from '../schemas/benchmark.ts';
import { RowChecker } from './benchmark/rows.ts';
import { readParquetGroups } from './parquet/read.ts';
import type { Row, TableSchema } from './parquet/schema.ts';
import { oneOf } from './parquet/values.ts';

/** What a log of requests must have, and what of a benchmark's columns it may have besides. */
const columns = {
  taskKind: { kind: 'string' },
  question: { kind: 'string' },
  options: { kind: 'list<string>' },
  context: { kind: 'string', nullable: true },
  image: { kind: 'image', nullable: true },
  answer: { kind: 'int32', nullable: true, mayLack: true },
  source: { kind: 'string', nullable: true, mayLack: true },
} as const satisfies TableSchema;

function toRequest(row: Row<typeof columns>, path: string, number: number, log: string): PerturbedSample {
  const { answer, context, image, options, question, source } = row;
  // Two logs, and two rows of one, may use the same ids.
  const id = `${log}/${number}`;
  return {
    id,
    taskKind: oneOf(row.taskKind, taskKinds, { path, row: number, column: 'taskKind' }),
    split: 'heldout',
    question,
    options,
    // What the live model said: it may have said something else than an option.
    answer: answer !== null && answer >= 0 && answer < options.length ? answer : null,
    context,
    image,
    source: source || id,
    perturbation: 'origin',
    variant: '',
    hinted: null,
  };
}

/**
 * Logged requests, a row group at a time, each checked as a benchmark's row is. They are called `<log>/<row>`.
 * @throws GuardError BadInput naming file, row and field
 */
export async function* readRequestGroups(path: string, log: string): AsyncGenerator<PerturbedSample[]> {
  const checker = new RowChecker();
  for await (const { firstRow, rows } of readParquetGroups(path, columns)) {
    const requests = rows.map((row, i) => toRequest(row, path, firstRow + i, log));
    for (const [i, request] of requests.entries()) {
      checker.check(request, request.split, path, firstRow + i);
      // Looking at pictures takes its time: let heartbeats and signals through.
      if (i % 256 === 255) await setImmediate();
    }
    yield requests;
  }
}
