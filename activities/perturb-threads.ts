import { availableParallelism } from 'node:os';
import { runInThread, threadEntry } from '../engine/index.ts';
import type { Setting } from './perturb-tables.ts';

/** What crosses to a thread. */
export interface PerturbTask {
  /** Parquet of the samples. */
  path: string;
  setting: Setting;
  /** "<task kind>/<perturbation>". */
  conditions: string[];
}

/** The samples under one condition. */
export interface MadeTable {
  condition: string;
  rows: number;
  ids: string[];
  /** Parquet, in the order of the file. */
  chunks: Uint8Array[];
}

/** The first pictures are waited for, and nothing else of a diagnosis keeps a second core busy until they are there. */
const threads = Math.min(2, availableParallelism());

/** Makes the conditions' tables in worker threads, and hands over each as it is done. What `take` throws ends the work. */
export async function perturbInThreads(
  { conditions, ...task }: PerturbTask,
  take: (table: MadeTable) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController();
  let failure: { cause: unknown } | undefined;
  const fail = (cause: unknown) => {
    failure ??= { cause };
    failed.abort();
  };
  const part = async (own: string[]) => {
    let taken = Promise.resolve();
    const onProgress = (table: MadeTable) => {
      taken = taken.then(() => take(table));
      taken.catch(fail);
    };
    await runInThread<PerturbTask, null, MadeTable>(
      threadEntry(import.meta.url, './perturb.thread.ts'),
      { ...task, conditions: own },
      { signal: AbortSignal.any([signal, failed.signal]), onProgress },
    );
    await taken;
  };
  // In turn, because neighbours in the list take about as long.
  const parts = Array.from({ length: threads }, (_, i) => conditions.filter((_, j) => j % threads === i));
  await Promise.all(parts.filter((own) => own.length > 0).map((own) => part(own).catch(fail)));
  if (failure) throw failure.cause;
}
