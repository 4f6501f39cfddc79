import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { SearchAttribute } from '../../schemas/workflow.ts';
import type { Ports } from './ports.ts';
import { endProcess } from './processes.ts';
import { withoutProxy } from './proxy.ts';

const pollMs = 100;
const startEnded = 'the start was ended';
const service = 'temporal.api.workflowservice.v1.WorkflowService';

export interface DevServer {
  ports: Ports;
  exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts `temporal server start-dev` and returns when it takes requests, however long that takes: on a loaded machine it takes
 * its time, and a second one on the same database does worse. `log`: file descriptor for its output. `signal` ends a
 * start that is under way. However the start or this process ends, unless it is killed, the server does not outlive it;
 * `onSpawn` gets the process id for whoever comes after a kill.
 */
export async function startDevServer(
  input: Ports & { executable: string; database: string },
  log: number,
  { onSpawn, signal }: { onSpawn?: (pid: number) => Promise<void>; signal?: AbortSignal } = {},
): Promise<DevServer> {
  await beginDatabase(input.database);
  const child = spawn(input.executable, serverArguments(input), { stdio: ['ignore', log, log] });
  const killNow = () => child.kill('SIGKILL');
  process.once('exit', killNow);
  let end: string | null = null;
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      end = error.message;
      resolve();
    });
    child.once('exit', (code, signal) => {
      end ??= `the server ended by itself (${signal ?? `exit code ${code}`})`;
      resolve();
    });
  }).finally(() => process.off('exit', killNow));
  const pid = child.pid;
  const stop = async () => {
    if (pid !== undefined && end === null) {
      await Promise.race([endProcess(pid), exited]);
      await exited;
    }
  };
  if (pid !== undefined) await onSpawn?.(pid);
  const problem = await waitUntilReady(input, () => end ?? (signal?.aborted ? startEnded : null));
  if (problem !== null || pid === undefined) {
    await stop();
    throw new Error(problem ?? 'the server has no process id');
  }
  await rm(makingMark(input.database), { force: true });
  return { ports: input, exited, stop };
}

/** Stands beside a database from before its server's first start until that server is ready. */
const makingMark = (database: string) => `${database}.making`;

/** A first start that was cut off leaves a database without its tables, on which no server would ever start: it is made anew. */
async function beginDatabase(database: string): Promise<void> {
  const mark = makingMark(database);
  if (existsSync(mark))
    for (const suffix of ['', '-wal', '-shm']) await rm(database + suffix, { force: true });
  if (!existsSync(database)) await writeFile(mark, '');
}

/**
 * A namespace that only the server of this database has. Between our look at a port and the server's, another program may
 * take it; if that is a Temporal server of another project, it must not be mistaken for ours.
 */
function markOf(database: string): string {
  return `project-${createHash('sha256').update(database).digest('hex').slice(0, 12)}`;
}

function serverArguments({ port, uiPort, database }: Ports & { database: string }): string[] {
  const ui = uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort), '--ui-disable-news-fetch'];
  const attributes = Object.values(SearchAttribute).flatMap((name) => [
    '--search-attribute',
    `${name}=Keyword`,
  ]);
  const place = ['--ip', '127.0.0.1', '--port', String(port), '--db-filename', database];
  const mark = ['--namespace', markOf(database)];
  return ['server', 'start-dev', ...place, ...mark, ...ui, ...attributes, '--log-level', 'warn'];
}

/** Null: ready. Otherwise what went wrong. */
async function waitUntilReady(
  { port, database }: Ports & { database: string },
  ended: () => string | null,
): Promise<string | null> {
  const address = `127.0.0.1:${port}`;
  for (;;) {
    const problem = ended();
    if (problem !== null) return problem;
    if (await isReady(address, markOf(database))) return null;
    await sleep(pollMs);
  }
}

async function isReady(address: string, mark: string): Promise<boolean> {
  let connection: Connection | null = null;
  try {
    connection = await Connection.connect({ address, connectTimeout: 5_000, channelArgs: withoutProxy });
    const { status } = await connection.healthService.check({ service });
    for (const namespace of ['default', mark])
      await connection.workflowService.describeNamespace({ namespace });
    return status === 1;
  } catch {
    return false;
  } finally {
    await connection?.close();
  }
}
