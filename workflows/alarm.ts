import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, startChild, WorkflowIdReusePolicy, workflowInfo } from '@temporalio/workflow';
import { type RobustifyRequest, WorkflowName, workflowIds } from '../schemas/workflow.ts';
import type { robustify } from './robustify.ts';

/** Starts the response to an alarm unless the last one was answered just now. @returns its workflow id; null: nothing was started */
export async function respond(
  request: RobustifyRequest,
  coolDownSeconds: number,
  state: { lastAlarmAt: string | null; polls: number },
): Promise<string | null> {
  const now = Date.now();
  const last = state.lastAlarmAt === null ? Number.NEGATIVE_INFINITY : Date.parse(state.lastAlarmAt);
  if (now - last < coolDownSeconds * 1000) return null;
  const { runId } = workflowInfo();
  const workflowId = workflowIds.alarm(request.model, `${runId}-${state.polls}`);
  try {
    await startChild<typeof robustify>(WorkflowName.Robustify, {
      workflowId,
      args: [request],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  state.lastAlarmAt = new Date(now).toISOString();
  return workflowId;
}
