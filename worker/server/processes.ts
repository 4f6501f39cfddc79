import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const patienceMs = 5_000;
const pollMs = 50;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The command line of a process; null: there is none, or the system does not say. */
export async function commandLine(pid: number): Promise<string | null> {
  try {
    if (process.platform === 'linux') {
      return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    }
    return (await run('ps', ['-p', String(pid), '-o', 'command='])).stdout.trim() || null;
  } catch {
    return null;
  }
}

/** Asks a process to end, and ends it by force when it does not. Returns when it is gone. */
export async function endProcess(pid: number): Promise<void> {
  if (!signal(pid, 'SIGTERM')) return;
  for (let waited = 0; waited < patienceMs; waited += pollMs) {
    if (!isAlive(pid)) return;
    await sleep(pollMs);
  }
  signal(pid, 'SIGKILL');
  // Bounded: where nobody collects orphans, a dead process keeps its id for ever.
  for (let waited = 0; waited < patienceMs && isAlive(pid); waited += pollMs) await sleep(pollMs);
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
