import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { DriftMeasure, DriftStatus } from '../schemas/drift.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { workflowIds } from '../schemas/workflow.ts';
import { driftStateQuery, driftStatusQuery } from '../workflows/messages.ts';
import { asGuardError, isNotFound } from './failures.ts';
import { describeOwn } from './known.ts';
import type { Session } from './session.ts';
import { RunState, stateOf } from './status.ts';

/** A watch as it is now. What it says of itself is absent where no worker answers for it. */
export interface DriftView extends Partial<DriftStatus> {
  workflowId: string;
  model: string;
  measures: DriftMeasure[];
  /** `late`: it runs, and nobody does its work. `troubled`: it cannot look or measure, and tries again. */
  state: RunState | 'late' | 'troubled';
  /** Why it is in this state; null: there is nothing to say. */
  reason: string | null;
  endedAt: string | null;
}

/** A look may take so long beyond its time. */
const graceMs = 30_000;
/** PendingActivityState: a worker is at it. */
const started = 2;

/** @throws GuardError BadInput where no logs of the model are watched, or were */
export async function describeWatch(session: Session, model: string): Promise<WorkflowExecutionDescription> {
  const found = await describeOwn(session, workflowIds.drift(model)).catch((error) => {
    if (!(error instanceof GuardError && isNotFound(error.cause))) throw error;
    const message = `no logs of "${model}" are watched; \`modality-guard drift watch --logs <folder>\` begins to`;
    throw new GuardError(ErrorCode.BadInput, message, { cause: error });
  });
  return found;
}

/** Null: no worker answers. */
async function answer<T>({ answered }: Session, ask: () => Promise<T>): Promise<T | null> {
  try {
    return await answered(ask);
  } catch {
    return null;
  }
}

/** What the watch says of itself; null: no worker answers for it. */
export function askWatch(session: Session, model: string): Promise<DriftStatus | null> {
  const handle = session.client.workflow.getHandle(workflowIds.drift(model));
  return answer(session, () => handle.query(driftStatusQuery));
}

/** What a watch that has ended leaves to the next one; null: no worker answers for it. */
export function askCarried(session: Session, model: string): Promise<Record<string, unknown> | null> {
  const handle = session.client.workflow.getHandle(workflowIds.drift(model));
  return answer(session, async () => (await handle.query(driftStateQuery)) as Record<string, unknown>);
}

/**
 * The watch of a model's logs: whether it is at work, late, in trouble or at its end, and what it has measured.
 * @throws GuardError BadInput where no logs of the model are watched, or were
 */
export async function driftStatus(session: Session, model: string, now = Date.now()): Promise<DriftView> {
  const found = await describeWatch(session, model);
  const said = await askWatch(session, model);
  const view = {
    measures: [],
    ...(said ?? {}),
    workflowId: found.workflowId,
    model,
    endedAt: found.closeTime?.toISOString() ?? null,
  };
  const state = stateOf(found.status.name);
  if (state !== RunState.Running) return { ...view, state, reason: await whyEnded(session, found) };
  const late = whyLate(found, said, now);
  if (late !== null) return { ...view, state: 'late', reason: late };
  if (said?.trouble) return { ...view, state: 'troubled', reason: said.trouble.reason };
  return { ...view, state, reason: null };
}

/** Null: it was stopped. */
async function whyEnded({ client }: Session, { runId, workflowId }: WorkflowExecutionDescription) {
  try {
    await client.workflow.getHandle(workflowId, runId).result();
    return null;
  } catch (error) {
    return (asGuardError(error) as Error).message;
  }
}

function whyLate(
  { raw, startTime }: WorkflowExecutionDescription,
  said: DriftStatus | null,
  now: number,
): string | null {
  const pending = raw.pendingActivities ?? [];
  if (pending.some(({ state }) => state === started)) return null;
  const start = 'start one with `modality-guard worker`';
  if (said === null) return `no worker answers for it; ${start}`;
  const { lastTriedAt, limits } = said;
  // A watch of before does not tell.
  if (limits === undefined || lastTriedAt === undefined) return null;
  const due =
    (lastTriedAt === null ? startTime.getTime() : Date.parse(lastTriedAt)) + limits.pollSeconds * 1000;
  if (now <= due + graceMs) return null;
  const failure = pending.map(({ lastFailure }) => lastFailure?.message).find(Boolean);
  return `no worker has taken up the look that was due at ${new Date(due).toISOString()}${failure ? ` (${failure})` : ''}; ${start}, or see whether its places are all taken`;
}
