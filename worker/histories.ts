import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { HistorySource } from '../activities/index.ts';
import type { Execution, KeptHistory } from '../schemas/history.ts';
import { SearchAttribute, workflowIds } from '../schemas/workflow.ts';
import {
  type ArtifactStore,
  type RecordedHistory,
  readHistory,
  recordedHistories,
  recordedHistory,
} from '../store/index.ts';
import { isNotFound } from './failures.ts';
import {
  type Attributes,
  eventsOf,
  fieldsOf,
  type HistoryEvent,
  isLast,
  payloadValue,
  type Relative,
  relativesIn,
} from './history-events.ts';

/** Null: it is not there. */
export type FetchHistory = (execution: Execution) => Promise<KeptHistory | null>;

/** Histories that the server still has. */
export function fromServer(client: Client): FetchHistory {
  return async ({ runId, workflowId }) => {
    try {
      return described(historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory()), {
        workflowId,
        runId,
      });
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  };
}

/** Histories that the store holds, as far as they went when they were put there. */
export function fromStore(store: ArtifactStore): FetchHistory {
  return async ({ runId, workflowId }) => {
    const recorded =
      runId === undefined
        ? (await recordedHistories(store, workflowId)).sort(byStart).at(-1)
        : await recordedHistory(store, { workflowId, runId });
    return recorded ? readHistory(store, recorded) : null;
  };
}

const byStart = (a: RecordedHistory, b: RecordedHistory) => (a.startedAt < b.startedAt ? -1 : 1);

function described(json: string, { runId, workflowId }: Execution): KeptHistory {
  const events = eventsOf(JSON.parse(json));
  const started = fieldsOf(events[0], 'workflowExecutionStarted');
  return {
    workflowId,
    runId: runId ?? String(started?.originalExecutionRunId ?? ''),
    type: String((started?.workflowType as { name?: unknown } | undefined)?.name ?? ''),
    ended: isLast(events.at(-1)),
    events: events.length,
    startedAt: events[0]?.eventTime ?? '',
    json,
  };
}

interface Collecting {
  /** These are left out, with their relatives. */
  known?: (execution: { workflowId: string; runId: string }) => Promise<boolean>;
  /** Told of what is named and is not there. */
  lacking?: (relative: Relative) => void;
}

/** The registry of the model that an execution is about, by its search attributes, else by its id. */
export function registryOf(events: readonly HistoryEvent[], workflowId: string): string {
  for (const event of events) {
    for (const kind of ['workflowExecutionStarted', 'upsertWorkflowSearchAttributes']) {
      const given = fieldsOf(event, kind)?.searchAttributes as { indexedFields?: Attributes } | undefined;
      const payload = given?.indexedFields?.[SearchAttribute.Model];
      if (payload !== undefined) return workflowIds.registry(String(payloadValue(payload)));
    }
  }
  return workflowIds.registry(workflowId.split('/')[1] ?? '');
}

/**
 * Histories of an execution, of its children and of what they continue, and of its model's registry where there is one.
 * @throws WorkflowNotFoundError where it is not there
 */
export async function* collectHistories(
  fetch: FetchHistory,
  of: Execution,
  { known = async () => false, lacking = () => {} }: Collecting = {},
): AsyncGenerator<KeptHistory> {
  const queue: (Execution & { optional?: boolean; relative?: Relative })[] = [of];
  const seen = new Set<string>();
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { optional, relative, runId, workflowId } = next;
    if (runId !== undefined && seen.has(`${workflowId} ${runId}`)) continue;
    if (runId !== undefined && (await known({ workflowId, runId }))) continue;
    const found = await fetch(next);
    if (found === null) {
      if (relative) lacking(relative);
      else if (!optional)
        throw new WorkflowNotFoundError(`there is no workflow "${workflowId}"`, workflowId, runId);
      continue;
    }
    const key = `${found.workflowId} ${found.runId}`;
    if (seen.has(key)) continue;
    seen.add(key);
    yield found;
    const events = eventsOf(JSON.parse(found.json));
    if (next === of) queue.push({ workflowId: registryOf(events, workflowId), optional: true });
    for (const relative of relativesIn(events, workflowId)) queue.push({ ...relative, relative });
  }
}

/** As the activities want it: those that the server has. */
export function historiesOf(client: Client): HistorySource {
  return { collect: (of, known) => collectHistories(fromServer(client), of, { known }) };
}
