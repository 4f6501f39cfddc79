import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { entryFile } from './entry-file.ts';
import type { Ports } from './ports.ts';
import type { ServerRecord } from './record.ts';
import { readRecord, serverFolder } from './record.ts';

/** Longer than a supervisor takes to end. */
const endMs = 5_000;

export interface SupervisorInput extends Ports {
  stateDir: string;
  executable: string;
  database: string;
  token: string;
}

/**
 * Starts the process that owns the server. It is detached: a signal to our process group must not end the server while
 * a command still has work to finish.
 */
export async function startSupervisor(input: Omit<SupervisorInput, 'token'>): Promise<ServerRecord> {
  const token = randomBytes(16).toString('hex');
  const log = openSync(join(serverFolder(input.stateDir), 'supervisor.log'), 'w');
  const child = spawn(process.execPath, [fileURLToPath(entryFile(import.meta.url, './supervisor.ts'))], {
    detached: true,
    stdio: ['pipe', 'pipe', log],
    cwd: input.stateDir,
  });
  closeSync(log);
  // Pipes, as asked for above.
  const [stdin, stdout] = [child.stdin!, child.stdout!];
  stdin.on('error', () => {}); // Its end is reported by what it prints, or does not.
  stdin.end(JSON.stringify({ ...input, token } satisfies SupervisorInput));
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const answer = await new Promise<string>((resolve) => {
    let text = '';
    stdout.on('data', (data: Buffer) => {
      text += data.toString('utf8');
    });
    stdout.once('end', () => resolve(text.trim()));
    child.once('error', (error) => resolve(error.message));
  });
  const record = answer === 'ready' ? await readRecord(input.stateDir) : null;
  if (record) {
    child.unref();
    return record;
  }
  // It has ended its server, and ends itself; the next attempt must not meet either.
  const impatient = setTimeout(() => child.kill('SIGKILL'), endMs);
  await gone;
  clearTimeout(impatient);
  throw new GuardError(
    ErrorCode.Unavailable,
    `The Temporal server could not be started: ${answer || 'its supervisor ended early'} ` +
      `(executable ${input.executable}, log ${join(serverFolder(input.stateDir), 'server.log')}).`,
    { cause: new Error(answer) },
  );
}
