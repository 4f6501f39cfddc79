import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { Guest } from './control.ts';
import { joinSupervisor } from './control.ts';
import { notReadyInTime } from './dev-server.ts';
import { choosePorts, type Ports } from './ports.ts';
import { checkReachable } from './reachable.ts';
import { clearLeftovers, readRecord, serverFolder } from './record.ts';
import { resolveExecutable } from './resolve.ts';
import { withStartLock } from './start-lock.ts';
import { startSupervisor } from './start-supervisor.ts';

const startAttempts = 3;

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
}

export interface ServerConnection {
  /** host:port of the gRPC front end. */
  address: string;
  /** URL of the web UI, where there is one. */
  uiAddress?: string;
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
 * new one. Throws GuardError UNAVAILABLE, which says what was tried and what to do.
 */
export async function connectServer(options: ServerOptions): Promise<ServerConnection> {
  const given = givenAddress(options);
  if (given) {
    await checkReachable(given.address, given.from);
    return { address: given.address, startedByUs: false, close: async () => {} };
  }
  const stateDir = resolve(options.stateDir);
  await makeStateFolder(serverFolder(stateDir));
  return withStartLock(serverFolder(stateDir), async () => {
    const running = await joinRunning(stateDir, options);
    if (running) return running;
    return startOwn(stateDir, options);
  });
}

function givenAddress(options: ServerOptions): { address: string; from: string } | null {
  const environment = process.env.TEMPORAL_ADDRESS;
  if (environment) return { address: environment, from: 'TEMPORAL_ADDRESS' };
  if (options.configAddress) return { address: options.configAddress, from: 'the configuration' };
  return null;
}

async function joinRunning(stateDir: string, options: ServerOptions): Promise<ServerConnection | null> {
  const record = await readRecord(stateDir);
  if (!record) return null;
  const guest = await joinSupervisor(record);
  if (!guest) {
    await clearLeftovers(stateDir, record);
    return null;
  }
  if (options.ui && !guest.uiAddress) {
    options.log(
      'The server of this folder is already running without its web UI; end the other command first to get one.',
    );
  }
  return connection(guest, false);
}

async function startOwn(stateDir: string, options: ServerOptions): Promise<ServerConnection> {
  const executable = await resolveExecutable(options.log);
  for (let attempt = 1; ; attempt++) {
    // Another program may take a port between our look at it and the server's start: then any other will do.
    const ports = await choosePorts(options, { usual: attempt === 1 });
    options.log(`Starting a Temporal server (${executable.from}) on 127.0.0.1:${ports.port}`);
    try {
      return await startOn(ports, stateDir, executable.path);
    } catch (error) {
      const slow =
        error instanceof GuardError && (error.cause as Error | undefined)?.message === notReadyInTime;
      if (attempt === startAttempts || slow || !(error instanceof GuardError)) throw error;
    }
  }
}

async function startOn(ports: Ports, stateDir: string, executable: string): Promise<ServerConnection> {
  const record = await startSupervisor({
    stateDir,
    executable,
    database: join(stateDir, 'temporal.db'),
    ...ports,
  });
  const guest = await joinSupervisor(record);
  if (guest) return connection(guest, true);
  throw new GuardError(
    ErrorCode.Unavailable,
    `The Temporal server ended right after its start; ${join(serverFolder(stateDir), 'server.log')} says why.`,
  );
}

function connection(guest: Guest, startedByUs: boolean): ServerConnection {
  return {
    address: guest.address,
    ...(guest.uiAddress ? { uiAddress: guest.uiAddress } : {}),
    startedByUs,
    close: () => guest.leave(),
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
