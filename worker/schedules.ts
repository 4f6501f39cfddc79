import { setTimeout as sleep } from 'node:timers/promises';
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { readSettings } from '../ingest/index.ts';
import { rolloutStages } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { GateFile } from '../schemas/gate.ts';
import {
  type DiagnoseRequest,
  type RobustifyRequest,
  WorkflowName,
  workflowIds,
} from '../schemas/workflow.ts';
import { modelAttribute } from '../workflows/messages.ts';
import type { LoadedConfig } from './config.ts';
import { clearly } from './failures.ts';
import { imported } from './imports.ts';
import { mayBeOurs, ownSchedule, strangeSchedule } from './known.ts';
import { checkName } from './model-name.ts';
import { diagnoseRequest, type RunOptions, resolved, robustifyRequest } from './requests.ts';
import { tellOfPause } from './schedule-notice.ts';
import type { Session } from './session.ts';
import { complete, type PlannedWork } from './starts.ts';

/** How long the server is given to say what came of a trigger, and how often it is asked. */
export const [answerMs, lookMs] = [10_000, 200];

/** With a `policy` each night is a whole run; without one a diagnosis, which promotes nothing. */
export interface NightlyOptions extends RunOptions {
  /** Rules that each night is judged by; without them the built-in ones. */
  gate?: string;
  hour?: number;
  minute?: number;
  timezone?: string;
  /** Tells the schedules of one model apart. */
  name?: string;
  /** A failed night pauses the schedule until a person resumes it; by default the next night comes. */
  pauseOnFailure?: boolean;
}

type NightRequest = DiagnoseRequest | RobustifyRequest;

export const times = (dates: Date[]) => dates.slice(0, 3).map((date) => date.toISOString());

/** What a night is given beyond its limit to end by itself. */
const graceSeconds = 3600;

/** What a night does. @throws GuardError BadConfig for rules beside a policy, or a gate file that is wrong */
export async function nightlyWork(
  config: LoadedConfig,
  options: NightlyOptions & { model: string },
): Promise<PlannedWork<NightRequest>> {
  const { gate, level, limitSeconds, scenarios = [], task: tasks } = config.nightly;
  const own = { ...(gate ? { gate } : {}), ...(level ? { level } : {}), ...(tasks ? { tasks } : {}) };
  const asked = { ...own, ...options };
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
    const run = robustifyRequest(config, wanted);
    // Each stage may wait for a person.
    const waiting = (rolloutStages.length + 1) * run.policy.approvalTimeoutSeconds;
    return { asked, request: { ...run, limitSeconds: limitSeconds + waiting } };
  }
  const rules = asked.gate === undefined ? null : (await readSettings(asked.gate, GateFile)).gates;
  return {
    asked: { ...asked, ...(rules ? { rules } : {}) },
    request: { ...diagnoseRequest(config, wanted), report: { rules }, limitSeconds },
  };
}

/** The same, whole: files are read and taken into the store now, so that every night until the schedule is made anew is alike. */
export async function nightlyRequest(session: Session, options: NightlyOptions): Promise<NightRequest> {
  const { asked, request } = await nightlyWork(session.config, await resolved(session, options));
  return imported(session.store, await complete(session, asked, request));
}

/** What a schedule starts. The time that it is due is added to the id. */
export function nightOf(request: NightRequest, scheduleId: string) {
  const workflowType = 'policy' in request ? WorkflowName.Robustify : WorkflowName.Diagnose;
  const [, name] = scheduleId.split(`${workflowIds.nightly(request.model)}/`);
  return {
    workflowType,
    workflowId: `${workflowType}/${request.model}/nightly${name === undefined ? '' : `-${name}`}`,
    args: [request],
    // Where no worker is there that ends it.
    ...(request.limitSeconds
      ? { workflowExecutionTimeout: (request.limitSeconds + graceSeconds) * 1000 }
      : {}),
  };
}

/**
 * Diagnoses the registered champion every night, or runs the whole pipeline on it under a policy: one at a time, a missed night is
 * caught up, and a night that failed is followed by the next.
 */
export async function createNightly(
  session: Session,
  options: NightlyOptions,
): Promise<{ scheduleId: string; nextRuns: string[] }> {
  const { nightly } = session.config;
  const request = await nightlyRequest(session, options);
  const { name } = options;
  if (name !== undefined) checkName(name, 'the name of the schedule');
  const scheduleId = workflowIds.nightly(request.model, name);
  try {
    const handle = await session.client.schedule.create({
      scheduleId,
      spec: {
        calendars: [{ hour: options.hour ?? nightly.hour, minute: options.minute ?? nightly.minute }],
        timezone: options.timezone ?? nightly.timezone,
      },
      action: {
        type: 'startWorkflow',
        ...nightOf(request, scheduleId),
        taskQueue: session.taskQueue,
        typedSearchAttributes: [{ key: modelAttribute, value: request.model }],
      },
      policies: {
        overlap: ScheduleOverlapPolicy.SKIP,
        catchupWindow: nightly.catchupWindowSeconds * 1000,
        pauseOnFailure: options.pauseOnFailure ?? false,
      },
    });
    const { info } = await handle.describe();
    return { scheduleId, nextRuns: times(info.nextActionTimes) };
  } catch (cause) {
    if (!(cause instanceof ScheduleAlreadyRunning)) throw cause;
    const message = `the schedule ${scheduleId} is there already; \`modality-guard schedule update\` changes it, and --name makes another one`;
    throw new GuardError(ErrorCode.BadInput, message, { cause });
  }
}

export interface ScheduleView {
  scheduleId: string;
  paused: boolean;
  nextRuns: string[];
  note: string;
}

export async function listSchedules(session: Session): Promise<ScheduleView[]> {
  const { client } = session;
  const found: ScheduleView[] = [];
  for await (const { action, info, scheduleId, state } of client.schedule.list()) {
    if (!mayBeOurs(action?.workflowType)) continue;
    // A list does not tell the task queue.
    if (strangeSchedule(session, await client.schedule.getHandle(scheduleId).describe()) !== null) continue;
    const nextRuns = times(info?.nextActionTimes ?? []);
    found.push({ scheduleId, paused: state.paused, nextRuns, note: state.note ?? '' });
  }
  return found;
}

export async function setSchedulePaused(
  session: Session,
  scheduleId: string,
  paused: boolean,
  note: string,
): Promise<void> {
  const handle = await ownSchedule(session, scheduleId);
  await clearly(() => (paused ? handle.pause(note) : handle.unpause(note)));
  if (paused) await tellOfPause(session, scheduleId, note);
}

/** What came of a trigger. `unknown`: the server has not said so yet. */
export interface Triggered {
  outcome: 'started' | 'skipped' | 'unknown';
  /** What was started, or what is still at work in its place. */
  workflowIds: string[];
}

/** Runs it once now, whatever the clock says, unless one of its runs is still at work. */
export async function triggerSchedule(session: Session, scheduleId: string): Promise<Triggered> {
  const handle = await ownSchedule(session, scheduleId);
  const { info: before } = await handle.describe();
  const known = new Set(before.recentActions.map(({ action }) => action.workflow.firstExecutionRunId));
  await handle.trigger(ScheduleOverlapPolicy.SKIP);
  for (const end = Date.now() + answerMs; Date.now() < end; await sleep(lookMs)) {
    const { info } = await handle.describe();
    const started = info.recentActions.map(({ action }) => action.workflow);
    const fresh = started.filter(({ firstExecutionRunId }) => !known.has(firstExecutionRunId));
    if (fresh.length > 0)
      return { outcome: 'started', workflowIds: fresh.map(({ workflowId }) => workflowId) };
    if (info.numActionsSkippedOverlap > before.numActionsSkippedOverlap) {
      const running = info.runningActions.map(({ workflow }) => workflow.workflowId);
      return { outcome: 'skipped', workflowIds: running };
    }
  }
  return { outcome: 'unknown', workflowIds: [] };
}

export async function deleteSchedule(session: Session, scheduleId: string): Promise<void> {
  const handle = await ownSchedule(session, scheduleId);
  await handle.delete();
}
