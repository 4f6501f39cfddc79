import { ApplicationFailure } from '@temporalio/workflow';
import { DriftLimits } from '../schemas/config.ts';
import {
  type DriftMeasure,
  type DriftRequest,
  type DriftStatus,
  type DriftTrouble,
  noFiles,
  type WatchedFiles,
} from '../schemas/drift.ts';
import type { StateOfBefore } from './drift-before.ts';

/** Measures that the status shows and carries on. */
export const shownMeasures = 20;
/** Files that wait to be measured together at most, however few requests they hold. */
const mostPending = 500;

/** What a watch carries on: into its next run, and into the watch that is started after it has ended. */
export interface DriftState {
  /** The folder that `files` is about. */
  logs: string;
  limits: DriftLimits;
  files: WatchedFiles;
  newest: string | null;
  polls: number;
  measures: DriftMeasure[];
  lastAlarmAt: string | null;
  lastLookAt: string | null;
  lastTriedAt: string | null;
  doing: NonNullable<DriftStatus['doing']>;
  trouble: DriftTrouble | null;
  stopped: boolean;
}

export function begun(request: DriftRequest, carried?: DriftState | StateOfBefore): DriftState {
  const { logs } = request;
  const { changeRate, coolDownSeconds, minRequests, pollSeconds, psi } = request;
  const anew: DriftState = {
    logs,
    limits: { changeRate, coolDownSeconds, minRequests, pollSeconds, psi },
    files: noFiles(),
    newest: null,
    polls: 0,
    measures: [],
    lastAlarmAt: null,
    lastLookAt: null,
    lastTriedAt: null,
    doing: { what: 'waiting', since: new Date().toISOString() },
    trouble: null,
    stopped: false,
  };
  if (carried === undefined) return anew;
  if ('cursor' in carried) {
    const { cursor, pending, ...rest } = carried;
    const files = cursor === null ? anew.files : { ...anew.files, before: { cursor, pending } };
    return { ...anew, ...rest, files, newest: cursor };
  }
  return carried.logs === logs
    ? carried
    : { ...carried, logs, files: noFiles(), newest: null, trouble: null };
}

export function shown({ logs, model }: DriftRequest, state: DriftState): DriftStatus {
  const { files, ...rest } = state;
  return {
    ...rest,
    model,
    logs,
    pending: { files: files.pending.length, requests: requestsOf(files) },
    waiting: files.waiting.map(({ name }) => name),
    quarantine: files.quarantine.map(({ name, reason, since }) => ({ name, reason, since })),
  };
}

const requestsOf = ({ pending }: WatchedFiles) => pending.reduce((sum, { requests }) => sum + requests, 0);

export function isReady({ files, limits }: DriftState): boolean {
  const requests = requestsOf(files);
  return requests > 0 && (requests >= limits.minRequests || files.pending.length >= mostPending);
}

export function begins(state: DriftState, what: DriftState['doing']['what']): void {
  state.doing = { what, since: new Date().toISOString() };
}

export function noteTrouble(state: DriftState, reason: string): void {
  const { looks = 0, since = new Date().toISOString() } = state.trouble ?? {};
  state.trouble = { since, reason: reason.slice(0, 1000), looks: looks + 1 };
}

/** @throws ApplicationFailure BAD_INPUT naming the limit that cannot be so */
export function changedLimits(limits: DriftLimits, change: Partial<DriftLimits>): DriftLimits {
  const { data, error } = DriftLimits.partial().safeParse(change);
  if (error) {
    const problems = error.issues.map(({ message, path }) =>
      [path.join('.'), message].filter(Boolean).join(': '),
    );
    throw ApplicationFailure.nonRetryable(`the limits cannot be so: ${problems.join('; ')}`, 'BAD_INPUT');
  }
  const changed = Object.entries(data).filter(([, value]) => value !== undefined);
  if (changed.length === 0)
    throw ApplicationFailure.nonRetryable('no limit is named that is to change', 'BAD_INPUT');
  return { ...limits, ...Object.fromEntries(changed) };
}
