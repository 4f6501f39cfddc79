import { appendFileSync, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  DefaultLogger,
  type LogEntry,
  makeTelemetryFilterString,
  type NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import { onHungThread } from '../engine/index.ts';
import type { GuardConfig } from '../schemas/config.ts';
import type { Device } from '../schemas/device.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { type StepName, taskQueue } from '../schemas/workflow.ts';
import type { ArtifactStore } from '../store/index.ts';
import { identity, type Temporal } from './connection.ts';
import { historiesOf } from './histories.ts';
import { registryClient } from './registry-client.ts';
import { bundleWorkflows, digestIn } from './workflow-bundle.ts';

type WorkflowCode = Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
let bundled: Promise<WorkflowCode> | undefined;

/** The workflows: from the build their bundle; from the sources bundled once a process. */
export function workflowCode(): Promise<WorkflowCode> {
  const built = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(built)) return Promise.resolve({ workflowBundle: { codePath: built } });
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const workflowsPath = fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url));
  const logger = new DefaultLogger('ERROR');
  bundled ??= bundleWorkflows(workflowsPath, logger).then((workflowBundle) => ({ workflowBundle }));
  return bundled;
}

/** Digest of the workflow code that this process would run. */
export async function workflowDigest(): Promise<string> {
  const { workflowBundle } = await workflowCode();
  if (!workflowBundle) throw new Error('the workflows are not bundled');
  const code =
    'code' in workflowBundle ? workflowBundle.code : await readFile(workflowBundle.codePath, 'utf8');
  return digestIn(code);
}

let installed = false;
let logFile: string | null = null;

/** The SDK's and the workflows' messages go to a file of the project, not between the lines of a command. */
export function logTo(stateDir: string): void {
  logFile = join(stateDir, 'worker.log');
  quietly();
}

/** Keeps the SDK's messages off the terminal. */
export function quietly(): void {
  if (installed) return;
  installed = true;
  const logger = new DefaultLogger('WARN', write);
  const filter = makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' });
  // The command line ends workers itself, in order; the SDK's own signal handling would race with it.
  Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging: { forward: {}, filter } } });
}

function write({ level, message, meta }: LogEntry): void {
  if (logFile === null) return;
  const details = meta === undefined ? '' : ` ${JSON.stringify(meta, withoutCycles())}`;
  try {
    appendFileSync(logFile, `${new Date().toISOString()} ${level} ${message}${details}\n`);
  } catch {
    // A full disk or a removed folder is reported by the step that it stops; a message about it must not be another.
  }
}

function withoutCycles() {
  const seen = new Set<unknown>();
  return (_key: string, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (value instanceof Error) return value.stack ?? value.message;
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return '[seen]';
    seen.add(value);
    return value;
  };
}

/** What steps take to end once they are asked to, threads that have to be terminated included. */
const endingMilliseconds = 20_000;
/** Of a step whose options do not say how long it may stand still. */
const usualStallSeconds = 1800;
const hungThread =
  'a computing thread hangs in native code and cannot be ended, so that this process ends (by SIGKILL); what was under way is tried again by the next worker';

export interface RunningWorker {
  /** Ends when the worker has ended, with its error where it failed. */
  done: Promise<void>;
  stop(): Promise<void>;
}

interface WorkerSettings {
  config: GuardConfig;
  device: Device;
  temporal: Temporal;
  store: ArtifactStore;
  stateDir: string;
  /** Folders that steps may read, as `sourceCheck` makes it. */
  checkSource: (folder: string) => Promise<void>;
  /** `workflows`: no activities. */
  only?: 'workflows' | null;
}

/** Starts a worker for all workflows and activities. */
export async function startWorker(options: WorkerSettings): Promise<RunningWorker> {
  const connection = await options.temporal.native();
  const worker = await createWorker(connection, options).catch(async (error) => {
    await connection.close();
    throw error;
  });
  let hung = false;
  const forget = onHungThread(() => {
    hung = true;
    if (worker.getState() === 'RUNNING') worker.shutdown();
  });
  const done = worker
    .run()
    .then(() => {
      if (hung) throw new GuardError(ErrorCode.Unavailable, hungThread);
    })
    .finally(() => {
      forget();
      return connection.close();
    });
  // Whoever stops the worker awaits it; until then its failure must not end the process.
  done.catch(() => {});
  return {
    done,
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await done;
    },
  };
}

async function createWorker(connection: NativeConnection, options: WorkerSettings): Promise<Worker> {
  const { config, only = null, temporal } = options;
  const settings = config.worker;
  return Worker.create({
    ...(await workflowCode()),
    connection,
    namespace: temporal.namespace,
    taskQueue,
    identity: identity(),
    ...(only === 'workflows' ? {} : { activities: activitiesOf(options) }),
    maxConcurrentActivityTaskExecutions: settings.maxConcurrentActivities,
    maxHeartbeatThrottleInterval: settings.heartbeatThrottleSeconds * 1000,
    defaultHeartbeatThrottleInterval: settings.heartbeatThrottleSeconds * 1000,
    shutdownGraceTime: settings.shutdownGraceSeconds * 1000,
    shutdownForceTime: settings.shutdownGraceSeconds * 1000 + endingMilliseconds,
    ...deployment(settings.deployment),
  });
}

function activitiesOf({ checkSource, config, device, stateDir, store, temporal }: WorkerSettings) {
  const registry = registryClient(temporal.client);
  const histories = historiesOf(temporal.client);
  const { default: common, ...special } = config.steps;
  const limits = (step: StepName) => {
    const { attempts, stallSeconds = usualStallSeconds } = { ...common, ...special[step] };
    return { attempts, stallSeconds };
  };
  const { threads } = config.worker;
  const deps = { store, stateDir, threads, device, registry, histories };
  return createActivities({ ...deps, checkSource, limits });
}

/** Pinned: a pipeline ends with the code that it began with. */
function deployment(version: GuardConfig['worker']['deployment']): Partial<WorkerOptions> {
  if (version === null) return {};
  return {
    workerDeploymentOptions: {
      version: { deploymentName: version.name, buildId: version.buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: 'PINNED',
    },
  };
}
