import { runInThread, threadEntry } from '../engine/index.ts';
import type { LossPoint } from '../schemas/report.ts';
import type { TrainHooks, TrainResult, TrainTask } from './robust.ts';

/** What a training thread tells while it works. */
export type TrainProgress = { point: LossPoint } | { checkpoint: { path: string; step: number } };

export interface TrainThreadHooks extends Omit<TrainHooks, 'aborted'> {
  /** Ends the work with GuardError CANCELLED. */
  signal?: AbortSignal;
}

/** `trainRobust` in a worker thread, so that this thread's timers keep their beat. */
export function trainInThread(task: TrainTask, hooks: TrainThreadHooks = {}): Promise<TrainResult> {
  const { signal, onStep, onCheckpoint } = hooks;
  return runInThread<TrainTask, TrainResult, TrainProgress>(
    threadEntry(import.meta.url, './train.thread.ts'),
    task,
    {
      ...(signal ? { signal } : {}),
      onProgress: (progress) => {
        if ('point' in progress) onStep?.(progress.point);
        else onCheckpoint?.(progress.checkpoint.path, progress.checkpoint.step);
      },
    },
  );
}
