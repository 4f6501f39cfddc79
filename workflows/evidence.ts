import { TemporalFailure } from '@temporalio/common';
import {
  CancellationScope,
  log,
  patched,
  proxyActivities,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ExecutionEnd } from '../schemas/history.ts';
import { codeMemo, workflowCodeDigest } from './code.ts';

const minute = 60_000;
const { keepHistories } = proxyActivities<Pick<Activities, 'keepHistories'>>({
  summary: 'keepHistories',
  startToCloseTimeout: 5 * minute,
  scheduleToCloseTimeout: 30 * minute,
  retry: { initialInterval: 1000, maximumInterval: minute },
});

/** Writes into the history which code this is. */
export function nameCode(): void {
  if (patched('the code is named')) upsertMemo({ [codeMemo]: workflowCodeDigest });
}

/**
 * Puts the history so far into the store, with those of the children: a server keeps it for a while only. A run that did its work
 * does not fail where this does: the log says so, and `audit export` what is missing.
 */
export async function keepHistory(end: ExecutionEnd): Promise<void> {
  if (!patched('the history is kept')) return;
  const { runId, workflowId } = workflowInfo();
  try {
    await CancellationScope.nonCancellable(() => keepHistories({ workflowId, runId, end }));
  } catch (error) {
    log.warn('the history could not be put into the store', { error });
  }
}

/** Does the work of a workflow so that its history names the code and is kept, however the work ends. */
export async function inEvidence<Result>(work: () => Promise<Result>): Promise<Result> {
  nameCode();
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    // Any other error stops the workflow, which goes on when the code is mended, and must find its history as it was.
    if (error instanceof TemporalFailure) await keepHistory({ outcome: 'failed', message: error.message });
    throw error;
  }
  await keepHistory({ outcome: 'completed', result });
  return result;
}
