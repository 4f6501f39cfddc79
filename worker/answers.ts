import { hostname } from 'node:os';
import { type Client, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Temporal } from './connection.ts';
import { GrpcCode, grpcCode, refusal } from './failures.ts';
import type { RunningWorker } from './run.ts';

/** Workflows answer queries and updates through a worker: whose, and what if there is none. */
export interface Answers {
  /**
   * Runs a query or an update. `change`: it may change something; it then has to be one that counts once, since it may be asked
   * twice. Throws GuardError UNAVAILABLE where nobody answers.
   */
  answered<T>(ask: () => Promise<T>, options?: { change?: boolean }): Promise<T>;
  stop(): Promise<void>;
}

/** A poll lasts a minute: whoever polled longer ago has gone. */
const pollMs = 70_000;
/** How long workers elsewhere have for an answer. */
const patienceMs = 20_000;
/** The same where this process can answer itself if they do not. */
const shortPatienceMs = 5_000;
/** A worker that this process has started answers, sooner or later. */
const longPatienceMs = 120_000;

/** Somebody who polls the task queue for workflows, as the server remembers. */
interface Listener {
  identity: string;
  /** Of its deployment or code; empty: the server does not say. */
  buildId: string;
}

/**
 * `works`: this process has a worker of everything. `start`: starts one for workflows alone. That is done for a server of this
 * project alone: on any other a command is a client and nothing else, whatever code it is made of.
 */
export function answersOf(
  temporal: Temporal,
  { start, works }: { works: boolean; start: () => Promise<RunningWorker> },
): Answers {
  const { client, server } = temporal;
  let own: Promise<RunningWorker> | null = null;
  let answeredBefore = false;

  async function elsewhere<T>(ask: () => Promise<T>, change: boolean): Promise<T> {
    const listeners = answeredBefore ? null : await listenersOf(temporal);
    if (listeners?.length === 0) throw nobody(temporal);
    try {
      const answer = await within(client, patienceMs, ask);
      answeredBefore = true;
      return answer;
    } catch (error) {
      if (!isUnanswered(error)) throw error;
      throw silent(temporal, await listenersOf(temporal), change, error);
    }
  }

  async function here<T>(ask: () => Promise<T>): Promise<T> {
    const listeners = own ? [] : ((await listenersOf(temporal)) ?? []);
    if (listeners.some(({ identity }) => isHere(identity))) {
      try {
        return await within(client, shortPatienceMs, ask);
      } catch (error) {
        if (!isUnanswered(error)) throw error;
      }
    }
    own ??= start();
    await own;
    return within(client, longPatienceMs, ask);
  }

  return {
    answered(ask, { change = false } = {}) {
      if (works) return ask();
      return server.own ? here(ask) : elsewhere(ask, change);
    },
    async stop() {
      const worker = await own?.catch(() => null);
      await worker?.stop();
    },
  };
}

const within = <T>(client: Client, ms: number, ask: () => Promise<T>): Promise<T> =>
  client.withDeadline(Date.now() + ms, ask);

/** Who polls the task queue now; null: the server does not say. */
async function listenersOf({ client, namespace, taskQueue }: Temporal): Promise<Listener[] | null> {
  const workflows = 1;
  try {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: workflows,
    });
    return (pollers ?? [])
      .filter(({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < pollMs)
      .map(({ deploymentOptions, identity, workerVersionCapabilities }) => ({
        identity: identity ?? '',
        buildId: deploymentOptions?.buildId || workerVersionCapabilities?.buildId || '',
      }));
  } catch (error) {
    if (grpcCode(error) === GrpcCode.PermissionDenied) return null;
    throw error;
  }
}

/** Whether a worker of this machine is still there: of one that was killed the server hears nothing. */
function isHere(identity: string): boolean {
  const [, host, pid] = /@(.+)\/(\d+)$/.exec(identity) ?? [];
  if (host !== hostname()) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isUnanswered(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  const { code, details = '' } = refusal(error) ?? {};
  if (code === GrpcCode.DeadlineExceeded || code === GrpcCode.Cancelled) return true;
  // The server's words for a query that no worker has taken, or not in time.
  return code === GrpcCode.FailedPrecondition
    ? /no poller seen/.test(details)
    : code === GrpcCode.Unknown && /timed? ?out|deadline|cancel/i.test(details);
}

const startOne = 'start one where its state folder is: modality-guard worker';

function nobody({ namespace, server, taskQueue }: Temporal): GuardError {
  const message = `no worker serves the task queue "${taskQueue}" on ${server.address} (namespace ${namespace}); ${startOne}`;
  return new GuardError(ErrorCode.Unavailable, message);
}

function silent(
  temporal: Temporal,
  listeners: Listener[] | null,
  change: boolean,
  cause: unknown,
): GuardError {
  const still = change ? ' What was asked for may still be done when it does.' : '';
  const seconds = patienceMs / 1000;
  if (listeners === null || listeners.length === 0) {
    const { message } = nobody(temporal);
    return new GuardError(ErrorCode.Unavailable, `${message}.${still}`.replace(/\.$/, ''), { cause });
  }
  const who = listeners.map(({ buildId, identity }) => `${identity}${buildId ? ` of ${buildId}` : ''}`);
  const message =
    `no worker of the task queue "${temporal.taskQueue}" on ${temporal.server.address} answered within ${seconds} s. ` +
    `There polled ${who.join(', ')}; it may be busy, gone, or of another version than this workflow.${still}`;
  return new GuardError(ErrorCode.Unavailable, message, { cause });
}
