import { runInThread, threadEntry } from '../engine/index.ts';
import type { AttackOptions, AttackResult, OpenOptions, Progress } from '../models/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';

export interface AttackGridTask {
  /** Model folder. */
  folder: string;
  samples: PerturbedSample[];
  /** Sizes of the attack; 0 is none. */
  grid: number[];
  options: Pick<AttackOptions, 'attack' | 'alpha' | 'steps' | 'seed' | 'restarts' | 'universalSteps'>;
  open: OpenOptions;
}

/** The same attack in several sizes, in one worker thread: the gradient programs are built once for all of them. */
export function attackGridInThread(
  task: AttackGridTask,
  options: { signal: AbortSignal; onProgress: (progress: Progress) => void },
): Promise<AttackResult[]> {
  return runInThread<AttackGridTask, AttackResult[], Progress>(
    threadEntry(import.meta.url, './attack-grid.thread.ts'),
    task,
    options,
  );
}
