import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { KeptHistory } from '../schemas/history.ts';
import { codeMemo } from '../workflows/code.ts';
import { collectHistories, type FetchHistory, fromServer, fromStore, registryOf } from './histories.ts';
import { eventsOf, fieldsOf, type HistoryEvent, payloadValue } from './history-events.ts';
import type { Session } from './session.ts';

/** Something that belongs to the evidence of a run and is not there. */
export interface Lacking {
  /** A workflow id, or an artifact's digest. */
  what: string;
  problem: string;
}

export interface FoundHistory extends KeptHistory {
  from: 'server' | 'store';
  /** Digest of the workflow code that it names; null: none. */
  code: string | null;
}

/** Whether the store lacks an artifact, or holds other bytes than it should. */
export const isUnreadable = (error: unknown): error is GuardError =>
  error instanceof GuardError &&
  (error.code === ErrorCode.BadArtifact || error.code === ErrorCode.ArtifactNotHere);

/** Every history that belongs to a run, from the server or else from the store, and what is missing. */
export async function evidenceOf(
  { client, store }: Pick<Session, 'client' | 'store'>,
  workflowId: string,
): Promise<{ histories: FoundHistory[]; problems: Lacking[] }> {
  const problems: Lacking[] = [];
  const stored = new Set<string>();
  const [server, kept] = [fromServer(client), fromStore(store)];
  const fetch: FetchHistory = async (execution) => {
    const found = await server(execution);
    if (found) return found;
    const recorded = await kept(execution).catch((error: unknown) => {
      if (!isUnreadable(error)) throw error;
      problems.push({ what: execution.workflowId, problem: error.message });
      return null;
    });
    if (recorded) stored.add(`${recorded.workflowId} ${recorded.runId}`);
    return recorded;
  };
  const lacking = ({ runId, what, workflowId }: { workflowId: string; runId: string; what: string }) =>
    problems.push({
      what: workflowId,
      problem: `neither the server nor the store has the history of its run ${runId}, ${what}`,
    });
  const histories: FoundHistory[] = [];
  let changes = false;
  let registry: string | undefined;
  for await (const one of collectHistories(fetch, { workflowId }, { lacking })) {
    const events = eventsOf(JSON.parse(one.json));
    registry ??= registryOf(events, workflowId);
    const from = stored.has(`${one.workflowId} ${one.runId}`) ? 'store' : 'server';
    histories.push({ ...one, from, code: codeIn(events) });
    changes ||= events.some(changesRegistry);
    if (from === 'store' && !one.ended && !isWhole(events)) {
      const problem = `the server has forgotten what follows event ${one.events}, at which the history in the store ends`;
      problems.push({ what: one.workflowId, problem });
    }
  }
  if (changes && registry !== undefined && !histories.some((one) => one.workflowId === registry)) {
    const problem = 'neither the server nor the store has the history of the registry that this run changed';
    problems.push({ what: registry, problem });
  }
  return { histories, problems };
}

const typeOf = (event: HistoryEvent) =>
  (fieldsOf(event, 'activityTaskScheduled')?.activityType as { name?: unknown } | undefined)?.name;

const changing: ReadonlySet<unknown> = new Set([
  'proposeModel',
  'routeRequests',
  'promoteModel',
  'rollBackModel',
]);
const changesRegistry = (event: HistoryEvent) => changing.has(typeOf(event));

/** Its last step was to be kept, with what the workflow gives back: only the step's own end is not there. */
const isWhole = (events: readonly HistoryEvent[]) =>
  events.some((event) => typeOf(event) === 'keepHistories');

function codeIn(events: readonly HistoryEvent[]): string | null {
  for (const event of events) {
    const memo = fieldsOf(event, 'workflowPropertiesModified')?.upsertedMemo as
      | { fields?: Record<string, unknown> }
      | undefined;
    const payload = memo?.fields?.[codeMemo];
    if (payload !== undefined) return String(payloadValue(payload));
  }
  return null;
}
