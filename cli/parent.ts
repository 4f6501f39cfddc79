import { readFileSync } from 'node:fs';

/**
 * npm and npx start a command through a shell, pass signals on to that shell alone, and it ends of them without telling anyone.
 * What is left to see is that one of the two has gone.
 */
const startedByNpm = process.env.npm_command !== undefined || process.env.npm_lifecycle_event !== undefined;
const parent = process.ppid;
/** npm's process where a shell stands between; null: it is the parent itself, or this system does not say. */
const npm = startedByNpm ? npmAbove(parent) : null;
const pollMs = 250;

/** Calls `act` once when the npm or npx that started this process has ended. Returns what ends the watch. */
export function onNpmGone(act: () => void): () => void {
  if (!startedByNpm) return () => {};
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === null || parentOf(parent) === npm)) return;
    clearInterval(timer);
    act();
  }, pollMs);
  timer.unref();
  return () => clearInterval(timer);
}

function npmAbove(shell: number): number | null {
  const above = parentOf(shell);
  return above !== null && /^npm\b/.test(ofProcess(above, 'cmdline') ?? '') ? above : null;
}

function parentOf(pid: number): number | null {
  // Behind the program's name, which may hold anything: state, parent, …
  const fields = ofProcess(pid, 'stat')?.split(') ').at(-1)?.split(' ');
  return fields?.[1] === undefined ? null : Number(fields[1]);
}

/** Null where there is no such process, or the system has no /proc. */
function ofProcess(pid: number, file: 'cmdline' | 'stat'): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return null;
  }
}

const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** The first process of a container ignores signals that nobody handles; it ends of them like any other. */
export function endBySignals(): void {
  if (process.pid !== 1) return;
  for (const name of Object.keys(numbers) as (keyof typeof numbers)[]) {
    process.on(name, () => {
      if (process.listenerCount(name) === 1) process.exit(128 + numbers[name]);
    });
  }
}
