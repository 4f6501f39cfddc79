import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { threadEntry } from '../../engine/index.ts';
import type { Relative } from '../history-events.ts';
import type { Difference } from './differences.ts';

/** One history of a bundle. */
export interface ReplayTask {
  workflowId: string;
  folder: string;
  file: string;
}

export interface ReplayAnswer {
  /** Digest of the code that the history names; null: it names none. */
  code: string | null;
  /** Empty: this code does what the history says. */
  differences: Difference[];
  /** Executions that the history names. */
  relatives: Relative[];
  /** The file is no history that can be replayed; `differences` says why. */
  bad?: true;
}

export interface ReplayLimits {
  /** Of one history. */
  seconds: number;
  /** Of all together. */
  allSeconds: number;
  /** Of the process that replays, in MiB. */
  memory: number;
}
export const replayLimits: ReplayLimits = { seconds: 120, allSeconds: 900, memory: 4096 };

const failed = (message: string): ReplayAnswer => ({
  code: null,
  differences: [{ message }],
  relatives: [],
});

/**
 * Replays files in a process of their own. One that takes too long, or ends the process, fails for itself alone: the others go on in
 * another process. @returns an answer for each task, in their order
 */
export async function replayBounded(
  tasks: readonly ReplayTask[],
  limits: ReplayLimits = replayLimits,
): Promise<ReplayAnswer[]> {
  const answers: ReplayAnswer[] = [];
  const end = Date.now() + limits.allSeconds * 1000;
  while (answers.length < tasks.length) {
    if (Date.now() >= end) {
      answers.push(failed(`not replayed: the replay of a bundle may take ${limits.allSeconds} s`));
      continue;
    }
    const before = answers.length;
    const reason = await replayFrom(tasks.slice(before), limits, end, (answer) => answers.push(answer));
    if (reason !== null && answers.length < tasks.length) answers.push(failed(reason));
  }
  return answers;
}

/** @returns why the process ended before its last task; null: it did not */
function replayFrom(
  tasks: readonly ReplayTask[],
  { allSeconds, memory, seconds }: ReplayLimits,
  end: number,
  take: (answer: ReplayAnswer) => void,
): Promise<string | null> {
  const entry = fileURLToPath(threadEntry(import.meta.url, './replay.thread.ts'));
  const child = fork(entry, {
    execArgv: [`--max-old-space-size=${memory}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  let outOfMemory = false;
  child.stderr?.on('data', (data: Buffer) => {
    said += data.toString('utf8');
    outOfMemory ||= said.includes('heap out of memory');
    said = said.slice(-2000);
  });
  let reason: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  const endIn = (milliseconds: number, why: string) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      reason = why;
      child.kill('SIGKILL');
    }, milliseconds);
  };
  const nextOne = () => {
    const left = end - Date.now();
    if (left < seconds * 1000)
      endIn(Math.max(0, left), `the replay was ended: a bundle may take ${allSeconds} s`);
    else endIn(seconds * 1000, `the replay was ended: one history may take ${seconds} s`);
  };
  return new Promise((resolve, reject) => {
    let answered = 0;
    child.once('error', reject);
    child.on('message', (answer: ReplayAnswer) => {
      answered++;
      take(answer);
      nextOne();
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (answered === tasks.length) return resolve(null);
      const last = outOfMemory ? `it may use ${memory} MiB` : (said.trim().split('\n').at(-1) ?? '');
      resolve(reason ?? `the process that replays ended (${signal ?? `exit code ${code}`}): ${last}`);
    });
    nextOne();
    child.send(tasks);
  });
}
