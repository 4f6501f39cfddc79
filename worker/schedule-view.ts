import type { Client, ScheduleDescription } from '@temporalio/client';
import type { DiagnoseRequest, RobustifyRequest } from '../schemas/workflow.ts';
import { verdictAttribute } from '../workflows/messages.ts';
import { asGuardError, isNotFound } from './failures.ts';
import { ownSchedule } from './known.ts';
import { type ScheduleView, times } from './schedules.ts';
import type { Session } from './session.ts';
import { RunState, stateOf } from './status.ts';

/** One run of a schedule. */
export interface NightView {
  workflowId: string;
  scheduledAt: string;
  startedAt: string;
  /** `gone`: the server does not keep it any more. */
  state: RunState | 'gone';
  /** Of its report or rollout; null: there is none yet, or none at all. */
  verdict: string | null;
  /** Why it failed; null: it did not. */
  reason: string | null;
}

export interface ScheduleDetails extends ScheduleView {
  model: string;
  does: 'diagnosis' | 'run';
  /** Rollout policy of its runs; null: a diagnosis has none. */
  policy: string | null;
  /** Times of the day, "03:00", in this zone. */
  at: string[];
  timezone: string;
  catchupWindowSeconds: number;
  pauseOnFailure: boolean;
  /** Nights that were begun, that were left out as the one before was at work, and that nobody was there for within the window. */
  taken: number;
  skipped: number;
  missed: number;
  /** What is at work now. */
  running: string[];
  /** The last ten, the newest first. */
  nights: NightView[];
}

/** "03:00" for each time of the day. */
export function timesOfDay({ spec }: Pick<ScheduleDescription, 'spec'>): { hour: number; minute: number }[] {
  return (spec.calendars ?? []).flatMap(({ hour, minute }) =>
    hour.flatMap((h) => minute.map((m) => ({ hour: h.start, minute: m.start }))),
  );
}

const two = (value: number) => String(value).padStart(2, '0');

/** A schedule with what it does and what came of it. @throws GuardError BadInput where there is none of this id */
export async function describeSchedule(session: Session, scheduleId: string): Promise<ScheduleDetails> {
  const { client } = session;
  const found = await (await ownSchedule(session, scheduleId)).describe();
  const { action, info, policies, spec, state } = found;
  const request = (action.args as unknown as [DiagnoseRequest | RobustifyRequest])[0];
  const nights = await Promise.all(
    info.recentActions
      .toReversed()
      .map(({ action: { workflow }, scheduledAt, takenAt }) =>
        nightView(client, { ...workflow, scheduledAt, takenAt }),
      ),
  );
  return {
    scheduleId,
    model: request.model,
    does: 'policy' in request ? 'run' : 'diagnosis',
    policy: 'policy' in request ? request.policy.name : null,
    at: timesOfDay(found).map(({ hour, minute }) => `${two(hour)}:${two(minute)}`),
    timezone: spec.timezone ?? 'UTC',
    catchupWindowSeconds: policies.catchupWindow / 1000,
    pauseOnFailure: policies.pauseOnFailure,
    paused: state.paused,
    note: state.note ?? '',
    nextRuns: times(info.nextActionTimes),
    taken: info.numActionsTaken,
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
    running: info.runningActions.map(({ workflow }) => workflow.workflowId),
    nights,
  };
}

async function nightView(
  client: Client,
  night: { workflowId: string; firstExecutionRunId: string; scheduledAt: Date; takenAt: Date },
): Promise<NightView> {
  const { firstExecutionRunId, workflowId } = night;
  const view = {
    workflowId,
    scheduledAt: night.scheduledAt.toISOString(),
    startedAt: night.takenAt.toISOString(),
  };
  const handle = client.workflow.getHandle(workflowId, firstExecutionRunId);
  try {
    const { status, typedSearchAttributes } = await handle.describe();
    const state = stateOf(status.name);
    const verdict = typedSearchAttributes.get(verdictAttribute) ?? null;
    const ended = state !== RunState.Running && state !== RunState.Completed;
    return { ...view, state, verdict, reason: ended ? await whyFailed(() => handle.result()) : null };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return { ...view, state: 'gone', verdict: null, reason: null };
  }
}

async function whyFailed(result: () => Promise<unknown>): Promise<string | null> {
  try {
    await result();
    return null;
  } catch (error) {
    return (asGuardError(error) as Error).message;
  }
}
