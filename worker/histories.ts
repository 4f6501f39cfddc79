import type { Client } from '@temporalio/client';
import { type History, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { isNotFound } from './failures.ts';

/** One execution's history, as JSON in the form of Temporal's own tools. */
export interface KeptHistory {
  workflowId: string;
  runId: string;
  type: string;
  json: string;
}

interface Execution {
  workflowId: string;
  runId?: string;
}

/** Children that a history started, and the execution that it was continued from. */
function relatives({ events }: History, workflowId: string): Execution[] {
  return (events ?? []).flatMap((event) => {
    const child = event.childWorkflowExecutionStartedEventAttributes?.workflowExecution;
    if (child?.workflowId) return [{ workflowId: child.workflowId, runId: child.runId ?? undefined }];
    const from = event.workflowExecutionStartedEventAttributes?.continuedExecutionRunId;
    return from ? [{ workflowId, runId: from }] : [];
  }) as Execution[];
}

async function fetchOne(client: Client, { runId, workflowId }: Execution): Promise<[KeptHistory, History]> {
  const handle = client.workflow.getHandle(workflowId, runId);
  const history = await handle.fetchHistory();
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
  const kept = {
    workflowId,
    runId: runId ?? started?.originalExecutionRunId ?? '',
    type: started?.workflowType?.name ?? '',
    json: historyToJSON(history),
  };
  return [kept, history];
}

/**
 * Histories of workflows, their children and the executions they continue. `optional` are left out where they are not
 * there.
 * @throws what `isNotFound` knows
 */
export async function collectHistories(
  client: Client,
  workflowIds: readonly string[],
  optional: readonly string[] = [],
): Promise<KeptHistory[]> {
  const queue: (Execution & { optional?: boolean })[] = [
    ...workflowIds.map((workflowId) => ({ workflowId })),
    ...optional.map((workflowId) => ({ workflowId, optional: true })),
  ];
  const found = new Map<string, KeptHistory>();
  for (let next = queue.shift(); next; next = queue.shift()) {
    try {
      const [kept, history] = await fetchOne(client, next);
      const key = `${kept.workflowId} ${kept.runId}`;
      if (found.has(key)) continue;
      found.set(key, kept);
      queue.push(...relatives(history, kept.workflowId));
    } catch (error) {
      // A continued execution may be past its retention.
      const mayLack = next.optional || next.runId !== undefined;
      if (!(mayLack && isNotFound(error))) throw error;
    }
  }
  return [...found.values()];
}
