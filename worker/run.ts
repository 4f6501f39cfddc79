import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities, type Notifier } from '../activities/index.ts';
import { onHungThread } from '../engine/index.ts';
import type { GuardConfig } from '../schemas/config.ts';
import type { Device } from '../schemas/device.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { StepName } from '../schemas/workflow.ts';
import type { ArtifactStore } from '../store/index.ts';
import { type Temporal, workerIdentity } from './connection.ts';
import { historiesOf } from './histories.ts';
import { notifierOf } from './notifier.ts';
import type { Tracing } from './observe/traces.ts';
import { registryClient } from './registry-client.ts';
import { bundleWorkflows, digestIn } from './workflow-bundle.ts';

type WorkflowCode = Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'>;
/** By the interceptors beside the workflows. */
const bundled = new Map<string, Promise<WorkflowCode>>();

/** The workflows: from the build their bundle; from the sources, or with interceptors beside them, bundled once a process. */
export function workflowCode(interceptors: readonly string[] = []): Promise<WorkflowCode> {
  const built = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(built) && interceptors.length === 0)
    return Promise.resolve({ workflowBundle: { codePath: built } });
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const workflowsPath = fileURLToPath(new URL(`../workflows/index.${extension}`, import.meta.url));
  const logger = new DefaultLogger('ERROR');
  const key = interceptors.join();
  const known = bundled.get(key);
  if (known) return known;
  const made = bundleWorkflows(workflowsPath, logger, interceptors).then((workflowBundle) => ({
    workflowBundle,
  }));
  bundled.set(key, made);
  return made;
}

/** The text of the workflow code that this process would run. */
async function workflowText(): Promise<string> {
  const { workflowBundle } = await workflowCode();
  if (!workflowBundle) throw new TypeError('workflows are always bundled');
  return 'code' in workflowBundle ? workflowBundle.code : readFile(workflowBundle.codePath, 'utf8');
}

/** Digest of the workflow code that this process would run. */
export async function workflowDigest(): Promise<string> {
  return digestIn(await workflowText());
}

/** What the server notes of a worker of this code, in the form that the SDK gives it. */
export async function codeId(): Promise<string> {
  const digest = createHash('sha256')
    .update(await workflowText())
    .digest('hex');
  const { name, version } = createRequire(import.meta.url)('@temporalio/worker/package.json');
  return `${name}@${version}+${digest}`;
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
  /** Null: it is connected and takes tasks; otherwise why not. */
  readiness(): Promise<string | null>;
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
  /** Absent: nothing is traced. */
  tracing?: Tracing | null;
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
    readiness: () => readinessOf(worker, options.temporal),
    async stop() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await done;
    },
  };
}

/** A poll is answered or begun anew within this time. */
const pollSeconds = 120;

async function readinessOf(
  worker: Worker,
  { client, namespace, taskQueue }: Temporal,
): Promise<string | null> {
  const state = worker.getState();
  if (state !== 'RUNNING') return `the worker is ${state.toLowerCase()}`;
  const workflowTasks = 1;
  const asked = { namespace, taskQueue: { name: taskQueue }, taskQueueType: workflowTasks };
  try {
    const { pollers } = await client.withDeadline(Date.now() + 3000, () =>
      client.workflowService.describeTaskQueue(asked),
    );
    const own = pollers?.find((poller) => poller.identity === worker.options.identity);
    const since = Number(own?.lastAccessTime?.seconds ?? 0);
    return Date.now() / 1000 - since < pollSeconds ? null : 'the worker does not ask for tasks';
  } catch (error) {
    return `Temporal does not answer (${(error as Error).message})`;
  }
}

async function createWorker(connection: NativeConnection, options: WorkerSettings): Promise<Worker> {
  const { config, only = null, temporal, tracing } = options;
  const settings = config.worker;
  return Worker.create({
    ...(await workflowCode(tracing?.modules)),
    ...tracing?.options,
    connection,
    namespace: temporal.namespace,
    taskQueue: temporal.taskQueue,
    identity: workerIdentity(),
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
  const registry = registryClient(temporal.client, temporal.taskQueue);
  const histories = historiesOf(temporal.client);
  const { default: common, ...special } = config.steps;
  const limits = (step: StepName) => {
    const { attempts, stallSeconds = usualStallSeconds } = { ...common, ...special[step] };
    return { attempts, stallSeconds };
  };
  const { threads } = config.worker;
  const deps = { store, stateDir, threads, device, registry, histories };
  const notifier = lazily(config.notify);
  return createActivities({ ...deps, checkSource, limits, notifier });
}

/** What the settings lack in the environment is told by who is to tell, not by every command. */
function lazily(settings: GuardConfig['notify']): Notifier | null {
  if (settings === null) return null;
  return {
    wants: (kind) => settings.on.includes(kind),
    send: async (notice, signal) => notifierOf(settings).send(notice, signal),
  };
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
