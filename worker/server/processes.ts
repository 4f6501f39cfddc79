import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
const patienceMs = 5_000;
const pollMs = 50;

/** A process for whoever looks later: its id alone may have been given to another one by then. */
export const ProcessIdentity = z.object({
  pid: z.number().int().positive(),
  /** When it began, as the system counts it; empty where the system does not say. */
  began: z.string(),
  /** Where its id means something: the machine, and on Linux its space of process ids. */
  place: z.string(),
});
export type ProcessIdentity = z.infer<typeof ProcessIdentity>;

let known: Promise<string> | undefined;

/** The place of this process. */
function place(): Promise<string> {
  known ??= readlink('/proc/self/ns/pid')
    .catch(() => '')
    .then((space) => [hostname(), space].filter(Boolean).join(' '));
  return known;
}

/** Null: there is no such process, or it has ended and only waits to be collected. */
async function beginning(pid: number): Promise<string | null> {
  try {
    if (process.platform === 'linux') {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // The name, in brackets, may hold anything; the state is the first field after it, the start the twentieth.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return null;
      const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
      return `${boot.trim()}/${fields[19]}`;
    }
    if (process.platform === 'win32') return isAlive(pid) ? '' : null;
    return (await run('ps', ['-p', String(pid), '-o', 'lstart='])).stdout.trim() || null;
  } catch {
    return null;
  }
}

/** Null: there is no such process. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const began = await beginning(pid);
  return began === null ? null : { pid, began, place: await place() };
}

/** Whether exactly this process still lives; null: it is one of another machine, or of another container. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean | null> {
  if (identity.place !== (await place())) return null;
  return (await beginning(identity.pid)) === identity.began;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Processes that were started with these two words in a row among their arguments. */
export async function findProcesses(option: string, value: string): Promise<number[]> {
  const found: number[] = [];
  if (process.platform === 'linux') {
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      if (`\0${line}`.includes(`\0${option}\0${value}\0`)) found.push(Number(name));
    }
  } else if (process.platform !== 'win32') {
    const { stdout } = await run('ps', ['-axo', 'pid=,command='], { maxBuffer: 2 ** 26 });
    for (const line of stdout.split('\n'))
      if (`${line} `.includes(` ${option} ${value} `)) found.push(Number.parseInt(line, 10));
  }
  return found.filter((pid) => pid !== process.pid);
}

/** Asks a process to end, and ends it by force when it does not. Returns when it is gone. */
export async function endProcess(pid: number): Promise<void> {
  if (!signal(pid, 'SIGTERM')) return;
  const lives = async () => (await beginning(pid)) !== null;
  for (let waited = 0; waited < patienceMs; waited += pollMs) {
    if (!(await lives())) return;
    await sleep(pollMs);
  }
  signal(pid, 'SIGKILL');
  for (let waited = 0; waited < patienceMs && (await lives()); waited += pollMs) await sleep(pollMs);
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
