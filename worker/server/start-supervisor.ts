import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { entryFile } from './entry-file.ts';
import type { PortWish } from './ports.ts';
import type { ServerRecord } from './record.ts';
import { readRecord, serverFolder } from './record.ts';

const pollMs = 50;

export interface SupervisorInput {
  stateDir: string;
  executable: string;
  database: string;
  token: string;
  wish: PortWish;
  /** False: any free port, for another program took the usual one between a look at it and the server's start. */
  usual: boolean;
}

const inputName = /^start-[0-9a-f]+\.json$/;

/**
 * Starts the process that owns the server, and returns what it says of itself, long before its server is ready; null: another one was
 * quicker, or it was killed. It is detached and needs nothing of us: what it has to know is in a file, so that it does not matter when we are killed.
 * Called by one process of a folder at a time. `onWait` is told how many seconds it has been silent.
 */
export async function startSupervisor(
  input: Omit<SupervisorInput, 'token'>,
  { onWait, signal }: { onWait: (pid: number, seconds: number) => void; signal?: AbortSignal | undefined },
): Promise<ServerRecord | null> {
  const folder = serverFolder(input.stateDir);
  await clearInputs(folder);
  const token = randomBytes(16).toString('hex');
  const file = join(folder, `start-${token}.json`);
  const words = join(folder, 'supervisor.log');
  await writeFile(file, JSON.stringify({ ...input, token } satisfies SupervisorInput), { mode: 0o600 });
  const log = openSync(words, 'w', 0o600);
  const child = spawn(
    process.execPath,
    [fileURLToPath(entryFile(import.meta.url, './supervisor.ts')), file],
    {
      detached: true,
      stdio: ['ignore', 'ignore', log],
      cwd: input.stateDir,
    },
  );
  closeSync(log);
  let end: string | null = null;
  let another = false;
  child.once('exit', (code, name) => {
    another = name !== null || code === elsewhereCode;
    end = name ?? `exit code ${code}`;
  });
  child.once('error', (error) => {
    end = error.message;
  });
  const began = Date.now();
  try {
    for (;;) {
      const record = await readRecord(input.stateDir);
      if (record?.supervisor.pid === child.pid) return record;
      if (another) return null;
      if (end !== null) throw noSupervisor(words, await lastWords(words, end));
      signal?.throwIfAborted();
      onWait(child.pid ?? 0, (Date.now() - began) / 1000);
      await sleep(pollMs);
    }
  } finally {
    child.unref();
  }
}

/** Of a supervisor that found another one at work. */
export const elsewhereCode = 75;

/** What commands left that were killed before their supervisor read it. */
async function clearInputs(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (inputName.test(name)) await rm(join(folder, name), { force: true });
}

async function lastWords(file: string, end: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim().split('\n').at(-1) || `it ended early (${end})`;
}

function noSupervisor(file: string, why: string): GuardError {
  return new GuardError(
    ErrorCode.Unavailable,
    `The Temporal server could not be started: the process that looks after it could not work: ${why} (log ${file}).`,
  );
}
