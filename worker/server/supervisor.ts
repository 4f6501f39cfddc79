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
import { startDevServer } from './dev-server.ts';
import type { ServerRecord } from './record.ts';
import { readRecord, recordPath, serverFolder } from './record.ts';
import type { SupervisorInput } from './start-supervisor.ts';

/** Nobody came: the command that started us has died. */
const firstGuestMs = 15_000;
/** A server that dies more often than this within a minute is given up. */
const restartsPerMinute = 5;

const input = JSON.parse(await text(process.stdin)) as SupervisorInput;
// A hang-up or interrupt is for the commands; we end when they are gone.
for (const name of ['SIGHUP', 'SIGINT'] as const) process.on(name, () => {});
process.on('SIGTERM', () => void shutDown());

const log = openSync(join(serverFolder(input.stateDir), 'server.log'), 'w');
const restarts: number[] = [];
let server: DevServer;
let ending: Promise<void> | null = null;

const waiting = setTimeout(() => void shutDown(), firstGuestMs);
const control = receiveGuests(input.token, () => clearTimeout(waiting), shutDown);

try {
  server = await startDevServer(input, log);
  await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
  await writeRecord();
  watch(server);
  await say('ready');
} catch (error) {
  await say(error instanceof Error ? error.message : String(error));
  process.exit(1);
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
      server = await startDevServer(input, log);
      await writeRecord();
      watch(server);
    } catch {
      await shutDown();
    }
  });
}

async function writeRecord(): Promise<void> {
  const record: ServerRecord = {
    supervisorPid: process.pid,
    serverPid: server.pid,
    controlPort: (control.address() as AddressInfo).port,
    token: input.token,
    address: `127.0.0.1:${input.port}`,
    uiAddress: input.uiPort === null ? null : `http://127.0.0.1:${input.uiPort}`,
    database: input.database,
  };
  const path = recordPath(input.stateDir);
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function shutDown(): Promise<void> {
  ending ??= (async () => {
    control.close(); // Whoever comes now is refused and starts a new server.
    await server?.stop();
    // A command that came meanwhile may have written a record of its own.
    const record = await readRecord(input.stateDir);
    if (record?.supervisorPid === process.pid) await rm(recordPath(input.stateDir), { force: true });
    closeSync(log);
    // Guests that wait for us get their answer before the process ends by itself.
    setTimeout(() => process.exit(0), 200);
  })();
  return ending;
}
