import { defineSearchAttributeKey, TemporalFailure } from '@temporalio/common';
import {
  CancellationScope,
  isCancellation,
  log,
  patched,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Notice } from '../schemas/observe.ts';

/** Nobody is told later than this: what waits or failed is seen by then, or the way to people is broken. */
const { notify } = proxyActivities<Pick<Activities, 'notify'>>({
  summary: 'notify',
  startToCloseTimeout: 330_000,
  heartbeatTimeout: 30_000,
  scheduleToCloseTimeout: 900_000,
  retry: { initialInterval: 1000, maximumInterval: 60_000 },
});

const scheduledBy = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');

type Told = Pick<Notice, 'kind' | 'model' | 'message' | 'commands'>;

/**
 * Tells people of something, once for each `about` of a run; that it cannot be done changes nothing for the run.
 * The promise is settled when they were told, or not.
 */
export async function tell(about: string, { commands, kind, message, model }: Told): Promise<void> {
  if (!patched('people are told')) return;
  const { runId, workflowId } = workflowInfo();
  const id = `${runId}/${kind}/${about}`;
  const at = new Date().toISOString();
  try {
    await notify({ id, kind, at, model, workflowId, runId, message, commands });
  } catch (error) {
    if (!isCancellation(error)) log.warn('nobody was told', { id, message, error });
  }
}

/** Tells people while work goes on; what they were not told when it has ended is no longer true. */
export async function tellingWhile<T>(about: string, told: Told, work: () => Promise<T>): Promise<T> {
  const telling = new CancellationScope();
  const done = telling.run(() => tell(about, told));
  try {
    return await work();
  } finally {
    telling.cancel();
    await done;
  }
}

/** The schedule that began this run; null: none did. */
export function scheduleOfRun(): string | null {
  return workflowInfo().typedSearchAttributes.get(scheduledBy) ?? null;
}

/** From the outside in a failure tells ever more: workflow, step, the error itself. */
function reasonOf(error: unknown): string {
  let deepest = error;
  while (deepest instanceof TemporalFailure && deepest.cause) deepest = deepest.cause;
  return deepest instanceof Error ? deepest.message : String(deepest);
}

/** Does the work of a run; where a schedule began it and it fails, people are told. */
export async function tellingOfFailure<T>(model: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const schedule = scheduleOfRun();
    // Any other error stops the workflow, which goes on when the code is mended.
    if (schedule !== null && error instanceof TemporalFailure && !isCancellation(error)) {
      const { workflowId } = workflowInfo();
      await tell('end', {
        kind: 'night_failed',
        model,
        message: `${workflowId}, which ${schedule} began, has failed: ${reasonOf(error)}`,
        commands: [
          `modality-guard status ${workflowId}`,
          // Where it pauses at a failure: `schedule resume`.
          'modality-guard schedule list',
        ],
      });
    }
    throw error;
  }
}
