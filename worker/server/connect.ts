import { mkdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Guest } from './control.ts';
import { joinSupervisor } from './control.ts';
import { holderOf, takeLock } from './lock.ts';
import { choosePorts } from './ports.ts';
import { findProcesses } from './processes.ts';
import { checkReachable } from './reachable.ts';
import { ownerLock, readRecord, type ServerRecord, serverFolder, startLock } from './record.ts';
import { resolveExecutable } from './resolve.ts';
import { keepLong } from './retention.ts';
import { startSupervisor } from './start-supervisor.ts';

const startAttempts = 3;
const pollMs = 100;
/** What waits says so after so long, and then again. */
const sayEverySeconds = 15;

export interface ServerOptions {
  /** host:port from a configuration file or profile. TEMPORAL_ADDRESS wins over it. */
  configAddress?: string | null;
  /** Folder of the project's state; the server's database is in it. */
  stateDir: string;
  /** Also Temporal's web UI, on loopback. */
  ui?: boolean;
  /** A fixed port for a server of our own; taken: an error. Unset: 7233, or a free one. */
  port?: number;
  /** The same for the UI. Unset: 8233, or a free one. */
  uiPort?: number;
  /** One line for people about what takes time. */
  log: (line: string) => void;
  /** Ends the waiting for a server that is being started. */
  signal?: AbortSignal | undefined;
}

export interface ServerConnection {
  /** host:port of the gRPC front end. */
  address: string;
  /** URL of the web UI, where there is one. */
  uiAddress?: string;
  /** The server is this project's, started by a command of it; false: its address was given. */
  own: boolean;
  /** False: the address was given, or another command in this folder had started the server already. */
  startedByUs: boolean;
  /**
   * Lets go of the server. The last command that lets go of a server of ours waits until it is stopped. A process that
   * dies without this call lets go, too.
   */
  close(): Promise<void>;
}

/**
 * The server to work with: TEMPORAL_ADDRESS, `configAddress`, the one that another command in this folder runs, or a
 * new one. A server that is slow to start is waited for as long as its process lives. Throws GuardError UNAVAILABLE, which says what was
 * tried and what to do, and the signal's reason.
 */
export async function connectServer(options: ServerOptions): Promise<ServerConnection> {
  const given = givenAddress(options);
  if (given) {
    await checkReachable(given.address, given.from);
    return { address: given.address, own: false, startedByUs: false, close: async () => {} };
  }
  await makeStateFolder(serverFolder(resolve(options.stateDir)));
  // One folder has one name, by whatever links it is reached.
  const stateDir = await realpath(options.stateDir);
  const joined = await obtain(stateDir, options);
  await keepLong(joined.guest.address).catch((error: Error) =>
    options.log(`The server goes on to forget what is over after a day: ${error.message}`),
  );
  return connection(stateDir, options, joined);
}

function givenAddress(options: ServerOptions): { address: string; from: string } | null {
  const environment = process.env.TEMPORAL_ADDRESS;
  if (environment) return { address: environment, from: 'TEMPORAL_ADDRESS' };
  if (options.configAddress) return { address: options.configAddress, from: 'the configuration' };
  return null;
}

interface Joined {
  guest: Guest;
  startedByUs: boolean;
}

/** Joins the server of the folder; where there is none, starts one. */
async function obtain(stateDir: string, options: ServerOptions): Promise<Joined> {
  for (let failures = 0; ; ) {
    const { record, startedByUs } = await withStartLock(stateDir, options, failures === 0);
    const onStarting = (address: string) => {
      if (startedByUs) options.log(`Starting a Temporal server on ${address}`);
    };
    const log = join(serverFolder(stateDir), 'server.log');
    const onWait = teller(options, `the Temporal server of this folder is ready; its output is in ${log}`);
    try {
      const guest = await joinSupervisor(record, {
        onStarting,
        onWait: (seconds) => onWait(record.supervisor.pid, seconds),
        signal: options.signal,
      });
      if (guest) {
        if (options.ui && !guest.uiAddress)
          options.log(
            'The server of this folder is already running without its web UI; end the other command first to get one.',
          );
        return { guest, startedByUs };
      }
      await sleep(pollMs); // It is about to go, or was killed.
    } catch (error) {
      const passing = error instanceof GuardError && error.code !== ErrorCode.Cancelled;
      if (!passing || ++failures === startAttempts) throw error;
    }
  }
}

/** A supervisor that lives: the one of the folder, or a new one. One command at a time looks and starts. */
async function withStartLock(
  stateDir: string,
  options: ServerOptions,
  usual: boolean,
): Promise<{ record: ServerRecord; startedByUs: boolean }> {
  const { signal } = options;
  const folder = serverFolder(stateDir);
  const onWait = teller(options, 'a process of this folder has begun or ended the server');
  const lock = await takeLock(folder, startLock, {
    ...(signal ? { signal } : {}),
    onWait: (holder, seconds) => onWait(holder.process.pid, seconds),
  });
  try {
    const began = Date.now();
    for (let lost = 0; ; ) {
      signal?.throwIfAborted();
      const holder = await holderOf(folder, ownerLock);
      if (!holder) {
        const started = await startSupervisor(await inputOf(stateDir, options, usual), { onWait, signal });
        if (started) return { record: started, startedByUs: true };
        if (++lost === startAttempts) throw killed();
        continue;
      }
      if (holder.elsewhere) throw elsewhere(holder.process.place, folder);
      const record = await readRecord(stateDir);
      if (record?.supervisor.pid === holder.process.pid) return { record, startedByUs: false };
      onWait(holder.process.pid, (Date.now() - began) / 1000);
      await sleep(pollMs); // It begins, or ends.
    }
  } finally {
    await lock.release();
  }
}

async function inputOf(stateDir: string, options: ServerOptions, usual: boolean) {
  const { path } = await resolveExecutable(options.log);
  const { port, ui, uiPort } = options;
  const database = join(stateDir, 'temporal.db');
  const wish = { port, ui, uiPort };
  // A port that is taken is told before anything is made here; one of our own server, left without an owner, becomes free.
  if ((await findProcesses('--db-filename', database)).length === 0) await choosePorts(wish);
  return { stateDir, executable: path, database, wish, usual };
}

function killed(): GuardError {
  return new GuardError(
    ErrorCode.Unavailable,
    'The Temporal server could not be started: the process that looks after it was ended each time. Does something on this machine end new processes, or has its memory run out?',
  );
}

function elsewhere(place: string, folder: string): GuardError {
  const [host] = place.split(' ');
  return new GuardError(
    ErrorCode.Unavailable,
    `The server of this folder runs on another machine or in another container (${host}). End it there, or give both the address of one Temporal server (TEMPORAL_ADDRESS). ` +
      `If that machine is gone, ${folder} is free again a minute after its last sign of life.`,
  );
}

/** Tells people every so often what is waited for, and that it lives. */
function teller({ log }: ServerOptions, what: string): (pid: number, seconds: number) => void {
  let next = sayEverySeconds;
  return (pid, seconds) => {
    if (seconds < next) return;
    log(`Waiting until ${what} (process ${pid} lives, ${Math.round(seconds)} s so far).`);
    next = seconds + sayEverySeconds;
  };
}

/** The server as long as it is used: when its supervisor is killed, another one takes its place, at the same address. */
function connection(
  stateDir: string,
  options: ServerOptions,
  { guest, startedByUs }: Joined,
): ServerConnection {
  let closed = false;
  let current = Promise.resolve<Guest | null>(guest);
  const keep = (held: Guest) =>
    void held.lost.then(() => {
      if (closed) return;
      current = again();
    });
  const again = async () => {
    try {
      const joined = await obtain(stateDir, { ...options, ui: guest.uiAddress !== null });
      keep(joined.guest);
      return joined.guest;
    } catch (error) {
      options.log(
        `The Temporal server of this folder has ended, and cannot be started again: ${(error as Error).message}`,
      );
      return null;
    }
  };
  keep(guest);
  return {
    address: guest.address,
    ...(guest.uiAddress ? { uiAddress: guest.uiAddress } : {}),
    own: true,
    startedByUs,
    async close() {
      closed = true;
      await (await current)?.leave();
    },
  };
}

async function makeStateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new GuardError(
      ErrorCode.Storage,
      `The state folder ${folder} cannot be made (${(cause as NodeJS.ErrnoException).code}). Make its parent writable, or choose another with --state-dir.`,
      { cause },
    );
  }
}
