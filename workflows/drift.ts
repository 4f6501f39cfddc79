import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  condition,
  continueAsNew,
  ParentClosePolicy,
  setHandler,
  startChild,
  upsertSearchAttributes,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import type { DriftRequest, DriftStatus } from '../schemas/drift.ts';
import { WorkflowName, workflowIds } from '../schemas/workflow.ts';
import { inEvidence, keepHistory } from './evidence.ts';
import { driftStatusQuery, modelAttribute, stopSignal } from './messages.ts';
import type { robustify } from './robustify.ts';
import { stepsOf } from './steps.ts';

/** Measures that the status shows and carries on. */
const shownMeasures = 20;

export interface DriftState extends Omit<DriftStatus, 'model' | 'logs'> {
  /** Files that were read but hold too few requests to be measured alone. */
  pending: string[];
}

/**
 * Watches a folder of request logs: measures each batch of new files and, when an alarm rings outside of the cool-down,
 * starts `robustify` once.
 */
export function driftWatch(request: DriftRequest, carried?: DriftState): Promise<DriftStatus> {
  return inEvidence(() => watch(request, carried));
}

async function watch(request: DriftRequest, carried?: DriftState): Promise<DriftStatus> {
  const state: DriftState = carried ?? {
    cursor: null,
    pending: [],
    polls: 0,
    measures: [],
    lastAlarmAt: null,
    stopped: false,
  };
  const status = (): DriftStatus => {
    const { pending: _, ...shown } = state;
    return { model: request.model, logs: request.logs, ...shown };
  };
  setHandler(driftStatusQuery, status);
  setHandler(stopSignal, () => {
    state.stopped = true;
  });
  upsertSearchAttributes([{ key: modelAttribute, value: request.model }]);

  while (!state.stopped) {
    await poll(request, state);
    if (workflowInfo().continueAsNewSuggested) {
      await keepHistory({ outcome: 'continued' });
      await continueAsNew<typeof driftWatch>(request, state);
    }
    await condition(() => state.stopped, request.pollSeconds * 1000);
  }
  return status();
}

async function poll(request: DriftRequest, state: DriftState): Promise<void> {
  const { changeRate, logs, minRequests, model, psi, robustify: response } = request;
  const found = await stepsOf(response.steps).pollLogs({
    name: model,
    logs,
    cursor: state.cursor,
    pending: state.pending,
    limits: { changeRate, psi, minRequests },
    request: response,
  });
  state.polls++;
  state.cursor = found.cursor;
  state.pending = found.pending;
  if (found.measure === null) return;
  // What a rollout under way brings is measured when it has ended.
  const answers = found.measure.alarm !== null && !found.measure.rollout;
  const started = answers ? await respond(request, state) : null;
  state.measures.push({ ...found.measure, started });
  state.measures.splice(0, state.measures.length - shownMeasures);
}

/** Starts the response to an alarm unless the last one was answered just now. */
async function respond(request: DriftRequest, state: DriftState): Promise<string | null> {
  const now = Date.now();
  const last = state.lastAlarmAt === null ? Number.NEGATIVE_INFINITY : Date.parse(state.lastAlarmAt);
  if (now - last < request.coolDownSeconds * 1000) return null;
  state.lastAlarmAt = new Date(now).toISOString();
  const { runId } = workflowInfo();
  const workflowId = workflowIds.alarm(request.model, `${runId}-${state.polls}`);
  try {
    await startChild<typeof robustify>(WorkflowName.Robustify, {
      workflowId,
      args: [request.robustify],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
  return workflowId;
}
