import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Heartbeat } from '../schemas/heartbeat.ts';
import { type PipelineStatus, WorkflowName } from '../schemas/workflow.ts';
import {
  modelAttribute,
  pipelineStatusQuery,
  stageAttribute,
  verdictAttribute,
} from '../workflows/messages.ts';
import { clearly } from './failures.ts';
import { describeOwn, modelOf, ownWorkflows } from './known.ts';
import type { Session } from './session.ts';

export const RunState = {
  Running: 'running',
  Completed: 'completed',
  Failed: 'failed',
  Cancelled: 'cancelled',
  Terminated: 'terminated',
  TimedOut: 'timed_out',
} as const;
export type RunState = (typeof RunState)[keyof typeof RunState];

/** An activity that is scheduled or at work, with what its last heartbeat said. */
export interface ActivityView {
  step: string;
  label: string;
  done: number;
  total: number;
  attempt: number;
  lastFailure: string | null;
}

/** What it takes to ask a run. */
export type Asking = Pick<Session, 'answered' | 'client' | 'taskQueue'>;

export interface StatusView extends PipelineStatus {
  runId: string;
  state: RunState;
  activities: ActivityView[];
}

const states: Record<string, RunState> = {
  RUNNING: RunState.Running,
  CONTINUED_AS_NEW: RunState.Running,
  PAUSED: RunState.Running,
  COMPLETED: RunState.Completed,
  FAILED: RunState.Failed,
  CANCELLED: RunState.Cancelled,
  TERMINATED: RunState.Terminated,
  TIMED_OUT: RunState.TimedOut,
};

/** PendingActivityState: waits for a worker. */
const scheduled = 1;

export function stateOf(name: string): RunState {
  return states[name] ?? RunState.Running;
}

function heartbeatOf(payloads: readonly Payload[] | null | undefined): Partial<Heartbeat> {
  const payload = payloads?.[0];
  return payload ? defaultPayloadConverter.fromPayload<Heartbeat>(payload) : {};
}

function activitiesOf({ raw }: WorkflowExecutionDescription): ActivityView[] {
  // What has neither begun nor failed has nothing to show.
  const shown = (raw.pendingActivities ?? []).filter((p) => p.state !== scheduled || p.lastFailure);
  return shown.map((pending) => {
    const {
      done = 0,
      label,
      total = 0,
    } = heartbeatOf(pending.heartbeatDetails?.payloads as Payload[] | undefined);
    const step = pending.activityType?.name ?? '';
    return {
      step,
      label: label ?? step,
      done,
      total,
      attempt: pending.attempt ?? 1,
      lastFailure: pending.lastFailure?.message ?? null,
    };
  });
}

/** The child that does the work while a run is in its rollout. */
async function childActivities(
  client: Client,
  { raw }: WorkflowExecutionDescription,
): Promise<ActivityView[]> {
  const children = await Promise.all(
    (raw.pendingChildren ?? []).map(async ({ workflowId }) => {
      const child = await client.workflow.getHandle(workflowId ?? '').describe();
      return activitiesOf(child);
    }),
  );
  return children.flat();
}

/** Stages, what is at work, and whether a gate waits. @throws GuardError BadInput where there is no such run */
export function statusOf(session: Asking, workflowId: string): Promise<StatusView> {
  return clearly(() => viewOf(session, workflowId));
}

/** Workflows without stages, and who tells about them. */
const others: Readonly<Record<string, (workflowId: string) => string>> = {
  [WorkflowName.Registry]: (id) =>
    `keeps a registry: \`modality-guard models list --model ${modelOf(id)}\` shows it`,
  [WorkflowName.DriftWatch]: (id) =>
    `watches logs: \`modality-guard drift status --model ${modelOf(id)}\` shows it`,
  [WorkflowName.Rollout]: (id) =>
    `is the rollout of a run: \`modality-guard status ${id.replace(/\/rollout$/, '')}\` shows it`,
};

async function viewOf(session: Asking, workflowId: string): Promise<StatusView> {
  const { answered, client } = session;
  const description = await describeOwn(session, workflowId);
  const other = others[description.type];
  if (other) throw new GuardError(ErrorCode.BadInput, `${workflowId} ${other(workflowId)}`);
  const handle = client.workflow.getHandle(workflowId);
  const [status, children] = await Promise.all([
    answered(() => handle.query(pipelineStatusQuery)),
    childActivities(client, description).catch(() => []),
  ]);
  return {
    ...status,
    runId: description.runId,
    state: stateOf(description.status.name),
    activities: [...activitiesOf(description), ...children],
  };
}

export interface RunSummary {
  workflowId: string;
  runId: string;
  type: string;
  state: RunState;
  startedAt: string;
  model: string | null;
  stage: string | null;
  verdict: string | null;
}

/** Newest first. */
export async function listRuns(session: Session, filter: { model?: string } = {}): Promise<RunSummary[]> {
  const found: RunSummary[] = [];
  for await (const run of session.client.workflow.list({ query: ownWorkflows(session) })) {
    if (filter.model !== undefined && modelOf(run.workflowId) !== filter.model) continue;
    const attributes = run.typedSearchAttributes;
    found.push({
      workflowId: run.workflowId,
      runId: run.runId,
      type: run.type,
      state: stateOf(run.status.name),
      startedAt: run.startTime.toISOString(),
      model: attributes.get(modelAttribute) ?? null,
      stage: attributes.get(stageAttribute) ?? null,
      verdict: attributes.get(verdictAttribute) ?? null,
    });
  }
  return found.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
}
