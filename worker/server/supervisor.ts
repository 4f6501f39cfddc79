/**
 * A process of its own that owns the Temporal server of a project folder: starts it, starts it again when it dies,
 * and stops it when the last command that uses it is gone. Argument: a file with `SupervisorInput` as JSON, which it removes. It needs
 * nothing of the command that started it. Of several the one that holds the lock works; the others end.
 */
import { readFileSync, rmSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { openBounded } from '../observe/rotate.ts';
import { failed, receiveGuests } from './control.ts';
import type { DevServer } from './dev-server.ts';
import { startDevServer } from './dev-server.ts';
import { type Lock, tryLock } from './lock.ts';
import { choosePorts, type Ports } from './ports.ts';
import { endProcess, findProcesses, identify } from './processes.ts';
import type { ServerRecord } from './record.ts';
import { ownerLock, readRecord, recordPath, serverFolder } from './record.ts';
import { elsewhereCode, type SupervisorInput } from './start-supervisor.ts';

/** Nobody came: the command that started us has died. */
const firstGuestMs = 15_000;
/** For whoever is on the way to hear of a start that failed. */
const tellMs = 3_000;
const lookMs = 5_000;
const pollMs = 100;
/** A server that dies more often than this within a minute is given up. */
const restartsPerMinute = 5;

const inputFile = process.argv[2]!;
const input = JSON.parse(readFileSync(inputFile, 'utf8')) as SupervisorInput;
rmSync(inputFile, { force: true });
const folder = serverFolder(input.stateDir);
// A hang-up or interrupt is for the commands; we end when they are gone.
for (const name of ['SIGHUP', 'SIGINT'] as const) process.on(name, () => {});
process.on('SIGTERM', () => void shutDown());
const stopping = new AbortController();
const restarts: number[] = [];
let ending: Promise<void> | null = null;
let finishing: Promise<void> | null = null;
let waiting: NodeJS.Timeout | undefined;
const desk = receiveGuests(input.token, () => clearTimeout(waiting), shutDown);

const lock = await own();
const { log } = openBounded(join(folder, 'server.log'));
// Where the folder is gone, or somebody took us for dead, the server is not ours any more.
const looking = setInterval(async () => {
  if (!(await lock.isOurs())) await shutDown();
}, lookMs);
await new Promise<void>((resolve) => desk.server.listen(0, '127.0.0.1', resolve));
const before = await readRecord(input.stateDir);
const record: ServerRecord = {
  supervisor: (await identify(process.pid))!,
  server: null,
  controlPort: (desk.server.address() as AddressInfo).port,
  token: input.token,
  address: null,
  uiAddress: null,
  ready: false,
};
let work: Promise<DevServer> = begin();
await lookAfter(work);

/** Ends what a supervisor before us left, and starts the server. From the first record on somebody can come. */
async function begin(): Promise<DevServer> {
  await writeRecord({});
  waiting = setTimeout(() => void shutDown(), firstGuestMs);
  await endLeftovers();
  const ports = await choosePorts(input.wish, { usual: input.usual, before: before?.address ?? null });
  await writeRecord({
    address: `127.0.0.1:${ports.port}`,
    uiAddress: ports.uiPort === null ? null : `http://127.0.0.1:${ports.uiPort}`,
  });
  desk.say(`starting ${record.address}`);
  return start(ports);
}

/** Says that the server takes requests, and starts another when it dies: the database outlives it, and clients reconnect to the same port. */
async function lookAfter(starting: Promise<DevServer>): Promise<void> {
  try {
    const server = await starting;
    if (!record.ready) {
      await writeRecord({ ready: true });
      desk.say(`welcome ${record.address} ${record.uiAddress ?? '-'}`);
    }
    void server.exited.then(() => {
      if (ending) return;
      const now = Date.now();
      restarts.push(now);
      work =
        restarts.filter((at) => now - at < 60_000).length > restartsPerMinute
          ? givenUp()
          : start(server.ports);
      void lookAfter(work);
    });
  } catch (error) {
    await finish(failed(error instanceof GuardError ? error : notStarted(error as Error)));
  }
}

function notStarted({ message }: Error): GuardError {
  const about = `executable ${input.executable}, log ${join(folder, 'server.log')}`;
  return new GuardError(
    ErrorCode.Unavailable,
    `The Temporal server could not be started: ${message} (${about}).`,
  );
}

async function givenUp(): Promise<never> {
  throw new Error(`the server died ${restartsPerMinute + 1} times in a minute`);
}

/** Waits while another supervisor is about to go; ends this process where one stays. */
async function own(): Promise<Lock> {
  for (;;) {
    const taken = await tryLock(folder, ownerLock);
    if ('lock' in taken) return taken.lock;
    const { holder } = taken;
    const other = await readRecord(input.stateDir);
    if (holder.elsewhere || other?.supervisor.pid === holder.process.pid) process.exit(elsewhereCode);
    await sleep(pollMs);
  }
}

/** Servers of this database that nobody owns: of a supervisor that was killed, at whatever moment. */
async function endLeftovers(): Promise<void> {
  const left = await findProcesses('--db-filename', input.database);
  await Promise.all(left.map(endProcess));
}

function start(ports: Ports): Promise<DevServer> {
  const onSpawn = async (pid: number) => writeRecord({ server: await identify(pid) });
  return startDevServer({ ...input, ...ports }, log, { onSpawn, signal: stopping.signal });
}

async function writeRecord(change: Partial<ServerRecord>): Promise<void> {
  Object.assign(record, change);
  const path = recordPath(input.stateDir);
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function shutDown(): Promise<void> {
  ending ??= (async () => {
    stopping.abort();
    const server = await work.catch(() => null); // A start that is under way says why it ended.
    await server?.stop();
    await finish('bye');
  })();
  return ending;
}

/** Says the last word, gives everything back and ends. */
function finish(last: string): Promise<void> {
  finishing ??= (async () => {
    clearInterval(looking);
    clearTimeout(waiting);
    desk.say(last);
    const { signal } = stopping;
    for (let waited = 0; !signal.aborted && desk.told() === 0 && waited < tellMs; waited += pollMs)
      await sleep(pollMs);
    desk.server.close(); // Whoever comes now is refused and starts a new server.
    // Whoever still uses the server calls its address: the next supervisor reads there which one that is.
    const missed = desk.guests() > 0 && record.ready && last === 'bye';
    if (!missed && (await lock.isOurs())) await rm(recordPath(input.stateDir), { force: true });
    await lock.release();
    // Guests that wait for us get their answer before the process ends.
    setTimeout(() => process.exit(0), 200);
  })();
  return finishing;
}
