import { ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { readSettings } from '../ingest/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { GateFile } from '../schemas/gate.ts';
import {
  type DiagnoseRequest,
  type RobustifyRequest,
  taskQueue,
  WorkflowName,
  workflowIds,
} from '../schemas/workflow.ts';
import { modelAttribute } from '../workflows/messages.ts';
import { clearly } from './failures.ts';
import { diagnoseRequest, type RunOptions, resolved, robustifyRequest } from './requests.ts';
import type { Session } from './session.ts';
import { complete } from './starts.ts';

/** With a `policy` each night is a whole run; without one a diagnosis, which promotes nothing. */
export interface NightlyOptions extends RunOptions {
  /** Rules that each night is judged by; without them the built-in ones. */
  gate?: string;
  hour?: number;
  minute?: number;
  timezone?: string;
}

const times = (dates: Date[]) => dates.slice(0, 3).map((date) => date.toISOString());

/** What a night does: files are read now, so that every night until the schedule is made anew is judged alike. */
async function nightlyRequest(
  session: Session,
  options: NightlyOptions,
): Promise<DiagnoseRequest | RobustifyRequest> {
  const { config } = session;
  const { gate, level, scenarios = [], task: tasks } = config.nightly;
  const own = { ...(gate ? { gate } : {}), ...(level ? { level } : {}), ...(tasks ? { tasks } : {}) };
  const asked = { ...own, ...(await resolved(session, options)) };
  const diagnosis = { scenarios: [...(config.diagnosis.scenarios ?? []), ...scenarios] };
  const wanted = {
    ...asked,
    champion: asked.modelFolder === undefined,
    ...(scenarios.length > 0 ? { overrides: { diagnosis } } : {}),
  };
  if (asked.policy !== undefined) {
    if (asked.gate !== undefined) {
      throw new GuardError(
        ErrorCode.BadConfig,
        'a night under a policy ends at the gates of its rollout, and rules judge a diagnosis alone; leave out --gate and nightly.gate, or --policy',
      );
    }
    return complete(session, asked, robustifyRequest(config, wanted));
  }
  const request = diagnoseRequest(config, wanted);
  const rules = asked.gate === undefined ? null : (await readSettings(asked.gate, GateFile)).gates;
  return {
    ...(await complete(session, { ...asked, ...(rules ? { rules } : {}) }, request)),
    report: { rules },
  };
}

/** Diagnoses the registered champion every night, or runs the whole pipeline on it under a policy: one at a time, a missed night is caught up, a failure pauses. */
export async function createNightly(
  session: Session,
  options: NightlyOptions,
): Promise<{ scheduleId: string; nextRuns: string[] }> {
  const { nightly } = session.config;
  const request = await nightlyRequest(session, options);
  const scheduleId = workflowIds.nightly(request.model);
  const workflowType = 'policy' in request ? WorkflowName.Robustify : WorkflowName.Diagnose;
  try {
    const handle = await session.client.schedule.create({
      scheduleId,
      spec: {
        calendars: [{ hour: options.hour ?? nightly.hour, minute: options.minute ?? nightly.minute }],
        timezone: options.timezone ?? nightly.timezone,
      },
      action: {
        type: 'startWorkflow',
        workflowType,
        workflowId: `${workflowType}/${request.model}/nightly`,
        taskQueue,
        args: [request],
        typedSearchAttributes: [{ key: modelAttribute, value: request.model }],
      },
      policies: {
        overlap: ScheduleOverlapPolicy.SKIP,
        catchupWindow: nightly.catchupWindowSeconds * 1000,
        pauseOnFailure: true,
      },
    });
    const { info } = await handle.describe();
    return { scheduleId, nextRuns: times(info.nextActionTimes) };
  } catch (cause) {
    if (!(cause instanceof ScheduleAlreadyRunning)) throw cause;
    const message = `the schedule ${scheduleId} is there already; delete it first to change it`;
    throw new GuardError(ErrorCode.BadInput, message, { cause });
  }
}

export interface ScheduleView {
  scheduleId: string;
  paused: boolean;
  nextRuns: string[];
  note: string;
}

export async function listSchedules({ client }: Session): Promise<ScheduleView[]> {
  const found: ScheduleView[] = [];
  for await (const { info, scheduleId, state } of client.schedule.list()) {
    const nextRuns = times(info?.nextActionTimes ?? []);
    found.push({ scheduleId, paused: state.paused, nextRuns, note: state.note ?? '' });
  }
  return found;
}

export function setSchedulePaused({ client }: Session, scheduleId: string, paused: boolean, note: string) {
  const handle = client.schedule.getHandle(scheduleId);
  return clearly(() => (paused ? handle.pause(note) : handle.unpause(note)));
}

/** Runs it once now, whatever the clock says. */
export function triggerSchedule({ client }: Session, scheduleId: string): Promise<void> {
  return clearly(() => client.schedule.getHandle(scheduleId).trigger(ScheduleOverlapPolicy.SKIP));
}

export function deleteSchedule({ client }: Session, scheduleId: string): Promise<void> {
  return clearly(() => client.schedule.getHandle(scheduleId).delete());
}
