import { runInThread, threadEntry } from '../engine/index.ts';
import type { AttackOptions, AttackResult, OpenOptions, Progress } from '../models/index.ts';
import type { PerturbedSample } from '../schemas/benchmark.ts';

export interface AttackGridTask {
  /** Model folder. */
  folder: string;
  samples: PerturbedSample[];
  /** Sizes of the attack, rising; 0 is none. */
  grid: number[];
  /** Whether they are multiples of the root mean square of the embeddings. */
  relative: boolean;
  options: Pick<
    AttackOptions,
    'attack' | 'alpha' | 'steps' | 'seed' | 'restarts' | 'strongSteps' | 'queries' | 'universalSteps'
  >;
  /** Folder of the model that examples of `transfer` are made on. */
  from?: string;
  open: OpenOptions;
}

export interface GridResult extends AttackResult {
  /** The size itself, whatever it was given as. */
  eps: number;
}

/** The same attack in several sizes, in one worker thread: the gradient programs are built once for all of them. */
export function attackGridInThread(
  task: AttackGridTask,
  options: { signal: AbortSignal; onProgress: (progress: Progress) => void },
): Promise<GridResult[]> {
  return runInThread<AttackGridTask, GridResult[], Progress>(
    threadEntry(import.meta.url, './attack-grid.thread.ts'),
    task,
    options,
  );
}
