import { runInThread, threadEntry } from '../engine/index.ts';
import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { OpenOptions, Progress, RunOptions } from './answer-model.ts';
import type { AttackOptions, AttackResult } from './attacks/batch.ts';

/** What can cross: functions and another model cannot. */
type Plain<T> = Omit<T, 'aborted' | 'onProgress' | 'found' | 'from'>;

/** What crosses to the thread. */
export type ThreadTask = { folder: string; open: OpenOptions; samples: PerturbedSample[] } & (
  | { kind: 'predict'; options: Plain<RunOptions> }
  | { kind: 'attack'; options: Plain<AttackOptions> }
);
export type ThreadTaskResult = Prediction[] | AttackResult;

export interface ThreadRunOptions extends OpenOptions {
  /** Ends the work with GuardError CANCELLED. */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** `Model.predict` on a folder in a worker thread, so that this thread's timers keep their beat. The model is opened anew. */
export function predictInThread(
  folder: string,
  samples: readonly PerturbedSample[],
  options: Plain<RunOptions> & ThreadRunOptions = {},
): Promise<Prediction[]> {
  const { signal, onProgress, threads, dtype, device, ...rest } = options;
  const task: ThreadTask = {
    kind: 'predict',
    folder,
    open: { threads, dtype, device },
    samples: [...samples],
    options: rest,
  };
  return runInThread<ThreadTask, Prediction[], Progress>(entry(), task, hooks(signal, onProgress));
}

/** `Model.attack` on a folder in a worker thread. */
export function attackInThread(
  folder: string,
  samples: readonly PerturbedSample[],
  options: Plain<AttackOptions> & ThreadRunOptions,
): Promise<AttackResult> {
  const { signal, onProgress, threads, dtype, device, ...rest } = options;
  const task: ThreadTask = {
    kind: 'attack',
    folder,
    open: { threads, dtype, device },
    samples: [...samples],
    options: rest,
  };
  return runInThread<ThreadTask, AttackResult, Progress>(entry(), task, hooks(signal, onProgress));
}

function entry(): URL {
  return threadEntry(import.meta.url, './run.thread.ts');
}

function hooks(signal?: AbortSignal, onProgress?: (progress: Progress) => void) {
  return { ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) };
}
