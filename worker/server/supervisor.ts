/**
 * A process of its own that owns the Temporal server of a project folder: starts it, starts it again when it dies,
 * and stops it when the last command that uses it is gone. Input: `SupervisorInput` as JSON on stdin. Prints "ready", or what
 * went wrong, and closes stdout.
 */
import { closeSync, openSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { receiveGuests } from './control.ts';
import type { DevServer } from './dev-server.ts';
import { startDevServer, startEnded } from './dev-server.ts';
import type { ServerRecord } from './record.ts';
import { readRecord, recordPath, serverFolder } from './record.ts';
import type { SupervisorInput } from './start-supervisor.ts';

/** Nobody came: the command that started us has died. */
const firstGuestMs = 15_000;
const orphanedMs = 500;
/** A server that dies more often than this within a minute is given up. */
const restartsPerMinute = 5;

const input = JSON.parse(await text(process.stdin)) as SupervisorInput;
// A hang-up or interrupt is for the commands; we end when they are gone.
for (const name of ['SIGHUP', 'SIGINT'] as const) process.on(name, () => {});
process.on('SIGTERM', () => void shutDown());
// The command that started us may be gone when we have something to say.
process.stdout.on('error', () => {});
const stopping = new AbortController();

const log = openSync(join(serverFolder(input.stateDir), 'server.log'), 'w');
const restarts: number[] = [];
let server: DevServer | undefined;
let ending: Promise<void> | null = null;
let waiting: NodeJS.Timeout | undefined;
const control = receiveGuests(input.token, () => clearTimeout(waiting), shutDown);

const startedBy = process.ppid;
// Nobody waits any longer for a server whose command has died.
const orphaned = setInterval(() => process.ppid !== startedBy && stopping.abort(), orphanedMs);

try {
  server = await start();
  clearInterval(orphaned);
  if (stopping.signal.aborted) {
    await server.stop();
    throw new Error(startEnded);
  }
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  await writeRecord(server.pid);
  watch(server);
  // Whoever started us waits for as long as the server takes, so that only now somebody can be missed.
  waiting = setTimeout(() => void shutDown(), firstGuestMs);
  await say('ready');
} catch (error) {
  await removeRecord();
  await say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}

/** Should we be killed before the server is ready, the record names it: nobody can join it, and the next command ends it. */
function start(): Promise<DevServer> {
  return startDevServer(input, log, { onSpawn: writeRecord, signal: stopping.signal });
}

function say(message: string): Promise<void> {
  return new Promise((resolve) => process.stdout.end(`${message}\n`, resolve));
}

/** The database outlives the process: clients reconnect to the same port and find everything as it was. */
function watch(watched: DevServer): void {
  void watched.exited.then(async () => {
    if (ending) return;
    const now = Date.now();
    restarts.push(now);
    if (restarts.filter((at) => now - at < 60_000).length > restartsPerMinute) return shutDown();
    try {
      server = await start();
      watch(server);
    } catch {
      await shutDown();
    }
  });
}

async function writeRecord(serverPid: number): Promise<void> {
  const record: ServerRecord = {
    supervisorPid: process.pid,
    serverPid,
    controlPort: (control.address() as AddressInfo | null)?.port ?? 0,
    token: input.token,
    address: `127.0.0.1:${input.port}`,
    uiAddress: input.uiPort === null ? null : `http://127.0.0.1:${input.uiPort}`,
    database: input.database,
  };
  const path = recordPath(input.stateDir);
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function removeRecord(): Promise<void> {
  // A command that came meanwhile may have written a record of its own.
  const record = await readRecord(input.stateDir);
  if (record?.supervisorPid === process.pid) await rm(recordPath(input.stateDir), { force: true });
}

function shutDown(): Promise<void> {
  ending ??= (async () => {
    stopping.abort();
    if (!server) return; // The start that is under way ends its server and this process.
    control.close(); // Whoever comes now is refused and starts a new server.
    await server?.stop();
    await removeRecord();
    closeSync(log);
    // Guests that wait for us get their answer before the process ends by itself.
    setTimeout(() => process.exit(0), 200);
  })();
  return ending;
}
