import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Temporal } from './connection.ts';
import { ownWorkflows } from './known.ts';
import { codeId, workflowCode } from './run.ts';

/** A replay takes milliseconds. */
const replayMs = 30_000;
const unsure = new Error('its history was not replayed in time');

type Histories = { workflowId: string; history: Awaited<ReturnType<WorkflowHandle['fetchHistory']>> }[];

async function firstFailure(histories: Histories): Promise<Error | null> {
  const replays = Worker.runReplayHistories(await workflowCode(), histories)[Symbol.asyncIterator]();
  const first = await replays.next();
  // Its end need not be waited for.
  void replays.return?.().catch(() => {});
  return (!first.done && first.value.error) || null;
}

/** The part of the SDK's message that says what differs. */
function wordsOf({ message }: Error): string {
  return /\[TMPRL\d+\] ([^"\\]+)/.exec(message)?.[1] ?? message;
}

/**
 * Refuses to work on running workflows that this code cannot go on with: it would write a failure into their histories. Those that
 * this code has worked on last are not looked at. Throws GuardError BAD_INPUT naming one.
 */
export async function checkCode({ client, taskQueue }: Temporal): Promise<void> {
  const own = await codeId();
  const query = `${ownWorkflows({ client, taskQueue })} AND ExecutionStatus = "Running"`;
  for await (const { workflowId } of client.workflow.list({ query })) {
    const handle = client.workflow.getHandle(workflowId);
    const { raw } = await handle.describe();
    const last = raw.workflowExecutionInfo?.mostRecentWorkerVersionStamp?.buildId;
    // None: no worker has touched it yet.
    if (!last || last === own) continue;
    const histories = [{ workflowId, history: await handle.fetchHistory() }];
    const failure = await Promise.race([firstFailure(histories), sleep(replayMs, unsure, { ref: false })]);
    if (failure === null) continue;
    throw new GuardError(
      ErrorCode.BadInput,
      `${workflowId} was begun by other workflow code, which this one cannot go on with (${wordsOf(failure)}). ` +
        'Ask with the modality-guard that began it.',
      { cause: failure },
    );
  }
}
