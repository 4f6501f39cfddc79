import { setTimeout as sleep } from 'node:timers/promises';
import { type ScheduleDescription, ScheduleOverlapPolicy } from '@temporalio/client';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { DiagnoseRequest, RobustifyRequest } from '../schemas/workflow.ts';
import { clearly } from './failures.ts';
import { ownSchedule } from './known.ts';
import { timesOfDay } from './schedule-view.ts';
import { answerMs, lookMs, type NightlyOptions, nightlyRequest, nightOf, times } from './schedules.ts';
import type { Session } from './session.ts';

export interface NightlyChange extends Omit<NightlyOptions, 'name'> {
  /** Reads configuration, rules and tasks again, also where nothing else changes what a night does. */
  anew?: boolean;
}

/** What changes when a night comes, and not what it does. */
const ofTime = ['hour', 'minute', 'timezone', 'pauseOnFailure'];

/**
 * Changes a schedule; what is not named stays as it is, the pause and the record of nights included. Where something is named that changes
 * what a night does, files are read again. @throws GuardError BadInput where there is none of this id
 */
export async function updateNightly(
  session: Session,
  scheduleId: string,
  change: NightlyChange,
): Promise<{ scheduleId: string; nextRuns: string[]; anew: boolean }> {
  const handle = await ownSchedule(session, scheduleId);
  const before = await handle.describe();
  const { anew: asked = false, ...options } = change;
  const named = Object.entries(options).filter(([, value]) => value !== undefined);
  if (named.length === 0 && !asked) {
    throw new GuardError(ErrorCode.BadInput, `${scheduleId}: nothing is named that is to change`);
  }
  const anew = asked || named.some(([name]) => !ofTime.includes(name));
  const action = anew ? nightOf(await requestAnew(session, before, options), scheduleId) : {};
  await clearly(() =>
    handle.update(({ action: doing, policies, spec, state }) => {
      const [at] = timesOfDay({ spec });
      const { hour = at?.hour ?? 0, minute = at?.minute ?? 0, timezone = spec.timezone ?? 'UTC' } = options;
      const { pauseOnFailure = policies.pauseOnFailure } = options;
      return {
        spec: { calendars: [{ hour, minute }], timezone },
        action: { ...doing, ...action },
        policies: { ...policies, pauseOnFailure },
        state,
      };
    }),
  );
  const { info } = await handle.describe();
  return { scheduleId, nextRuns: times(info.nextActionTimes), anew };
}

/** The request with what is named, and else of the model, the data and the policy that it had. */
function requestAnew(session: Session, { action }: ScheduleDescription, options: NightlyOptions) {
  const [before] = action.args as unknown as [DiagnoseRequest | RobustifyRequest];
  const { data, model, source } = before;
  const folder = options.modelFolder === undefined && !options.champion && 'folder' in source;
  return nightlyRequest(session, {
    model,
    dataFolder: data.folder,
    ...(folder ? { modelFolder: source.folder } : {}),
    ...('policy' in before ? { policy: before.policy.name } : {}),
    ...options,
  });
}

const day = 86_400_000;
const mostDays = 100;

/**
 * Runs the nights of a time that is over, one after the other, as if it were now: each diagnoses the champion of now.
 * @returns how many. @throws GuardError BadInput for a time that is no such one
 */
export async function backfillSchedule(
  session: Session,
  scheduleId: string,
  { from, to }: { from: Date; to: Date },
): Promise<{ nights: number }> {
  const [start, end] = [from.getTime(), to.getTime()];
  const bad = (problem: string) => new GuardError(ErrorCode.BadInput, `${scheduleId}: ${problem}`);
  if (start >= end) throw bad('the nights end before they begin; --from comes before --to');
  if (end > Date.now()) throw bad('--to lies in the future: those nights come by themselves');
  if (end - start > mostDays * day) throw bad(`these are more than ${mostDays} days; take a part of them`);
  const handle = await ownSchedule(session, scheduleId);
  const count = async () => {
    const { info, raw } = await clearly(() => handle.describe());
    return info.numActionsTaken + Number(raw.info?.bufferSize ?? 0);
  };
  const before = await count();
  // One moment more, as servers differ in whether the first one counts.
  await clearly(() =>
    handle.backfill({ start: new Date(start - 1), end: to, overlap: ScheduleOverlapPolicy.BUFFER_ALL }),
  );
  let nights = 0;
  for (const last = Date.now() + answerMs / 2; Date.now() < last; await sleep(lookMs)) {
    const now = (await count()) - before;
    if (now > 0 && now === nights) break;
    nights = now;
  }
  return { nights };
}
