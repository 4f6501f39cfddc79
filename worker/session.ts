import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Client } from '@temporalio/client';
import { chooseDevice } from '../engine/index.ts';
import { stateFolder } from '../schemas/config.ts';
import type { DeviceChoice } from '../schemas/device.ts';
import type { LogFormat, ObserveConfig } from '../schemas/observe.ts';
import { ArtifactStore } from '../store/index.ts';
import { type Answers, answersOf } from './answers.ts';
import { type ConfigOptions, type LoadedConfig, loadConfig } from './config.ts';
import { connectTemporal } from './connection.ts';
import { notifierOf } from './notifier.ts';
import { serveHealth } from './observe/health.ts';
import { logTo } from './observe/runtime.ts';
import { startTracing, type Tracing } from './observe/traces.ts';
import { checkCode } from './other-code.ts';
import { type RunningWorker, startWorker } from './run.ts';
import { asServerError } from './server-errors.ts';
import { sourceCheck } from './source-roots.ts';
import { checkRoom, leavingNoFolders, watchRoom } from './state-folder.ts';

export interface SessionOptions extends ConfigOptions {
  /** Whether this process works (the default), or asks alone. */
  worker?: boolean;
  /** By default .modality-guard in the project folder. */
  stateDir?: string;
  ui?: boolean;
  /** Fixed ports for a server of our own. */
  port?: number;
  uiPort?: number;
  /** In place of the configuration's. */
  device?: DeviceChoice;
  /** The process is there for its worker: it logs and gives metrics as the configuration says. */
  stays?: boolean;
  /** In place of the configuration's. */
  logFormat?: LogFormat;
  /** Takes one line for people about what takes time. */
  log: (line: string) => void;
  /** Ends the waiting for a server that is being started. */
  signal?: AbortSignal | undefined;
}

/** Configuration, server, client, store and, where wanted, a worker. */
export interface Session {
  config: LoadedConfig;
  /** State of the project: store, runs, server database. */
  stateDir: string;
  storeDir: string;
  store: ArtifactStore;
  /** Takes one line for people. */
  log: (line: string) => void;
  client: Client;
  /** Where worker and clients of this project meet. */
  taskQueue: string;
  answered: Answers['answered'];
  address: string;
  namespace: string;
  uiAddress: string | null;
  /** Ends with the worker; never without one. */
  workerDone: Promise<void>;
  /** Null: its worker is connected and takes tasks; otherwise why not. */
  readiness(): Promise<string | null>;
  /** Rejects when the disk of the state folder has no room left. */
  diskFull: Promise<never>;
  /** Drains the worker, closes the connection, stops a server of our own. */
  close(): Promise<void>;
}

export async function openSession(options: SessionOptions): Promise<Session> {
  const config = await loadConfig(options);
  const stateDir = resolve(options.folder ?? '.', options.stateDir ?? stateFolder);
  await checkRoom(stateDir);
  return leavingNoFolders(stateDir, () => openIn(stateDir, config, options));
}

async function openIn(stateDir: string, config: LoadedConfig, options: SessionOptions): Promise<Session> {
  const { log, port, signal, ui = false, uiPort, worker: works = true } = options;
  const device = works ? await chooseDevice(options.device ?? config.worker.device) : 'cpu';
  if (device !== 'cpu') log(`Models are computed on ${device}.`);
  const storeDir = join(stateDir, 'store');
  const store = await ArtifactStore.open(storeDir);
  await mkdir(stateDir, { recursive: true });
  const temporal = await connectTemporal({ config, stateDir, ui, log, signal, ports: { port, uiPort } });
  const checkSource = sourceCheck(config, { project: resolve(options.folder ?? '.'), stateDir });
  const settings = { config, device, temporal, store, stateDir, checkSource };
  let worker: RunningWorker | null = null;
  let tracing: Tracing | null = null;
  try {
    logTo(stateDir, works && options.stays ? observed(config, options) : {});
    if (works) {
      const { traces } = config.observe;
      tracing = options.stays && traces ? await startTracing(traces) : null;
      worker = await startWorker({ ...settings, tracing });
    }
  } catch (error) {
    await temporal.close();
    throw asServerError(error, { address: temporal.server.address, namespace: temporal.namespace });
  }
  const answers = answersOf(temporal, {
    works,
    async start() {
      await checkCode(temporal);
      return startWorker({ ...settings, only: 'workflows' });
    },
  });
  const room = watchRoom(stateDir);
  return {
    config,
    stateDir,
    storeDir,
    store,
    log,
    client: temporal.client,
    taskQueue: temporal.taskQueue,
    answered: answers.answered,
    address: temporal.server.address,
    namespace: temporal.namespace,
    uiAddress: temporal.server.uiAddress ?? null,
    workerDone: worker?.done ?? new Promise(() => {}),
    readiness: async () => (worker ? worker.readiness() : 'there is no worker'),
    diskFull: room.full,
    async close() {
      room.stop();
      try {
        await answers.stop();
        await worker?.stop();
      } finally {
        await tracing?.close().catch(() => {});
        await temporal.close();
      }
    },
  };
}

function observed({ observe }: LoadedConfig, { logFormat }: SessionOptions): ObserveConfig {
  const format = logFormat ?? observe.logs.format;
  return { ...observe, logs: { ...observe.logs, format } };
}

/** Works until the signal: the command `worker`. */
export async function runWorker(options: SessionOptions & { signal: AbortSignal }): Promise<void> {
  const { signal } = options;
  let stage = 'the worker is starting';
  let session: Session | null = null;
  const { notify, observe } = await loadConfig(options);
  // Its secrets are looked for now, not when something waits.
  if (notify) notifierOf(notify);
  const health =
    observe.health === null
      ? null
      : await serveHealth(observe.health, {
          healthz: () => null,
          readyz: () => session?.readiness() ?? stage,
        });
  try {
    session = await openSession({ ...options, worker: true, stays: true });
    options.log(`Worker of ${session.address} is ready.`);
    if (health) options.log(`Its health: http://${health.address}/readyz`);
    const stopped = new Promise<void>((end) => {
      if (signal.aborted) end();
      signal.addEventListener('abort', () => end(), { once: true });
    });
    await Promise.race([stopped, session.workerDone, session.diskFull]);
  } finally {
    const { close } = session ?? {};
    stage = 'the worker is stopping';
    session = null;
    try {
      await close?.();
    } finally {
      await health?.close();
    }
  }
}
