import {
  condition,
  continueAsNew,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { DriftMeasure, DriftRequest, DriftStatus } from '../schemas/drift.ts';
import { respond } from './alarm.ts';
import { keepHistory } from './evidence.ts';
import { driftStateQuery, driftStatusQuery, modelAttribute, stopSignal } from './messages.ts';
import { stepsOf } from './steps.ts';

/** What a watch of before carries on. */
export interface StateOfBefore {
  /** Name of the newest file that was read. */
  cursor: string | null;
  /** Files that were read but hold too few requests to be measured alone. */
  pending: string[];
  polls: number;
  measures: DriftMeasure[];
  lastAlarmAt: string | null;
  stopped: boolean;
}

const shownMeasures = 20;

/** Watches that began when a file was told by its name alone go on so until their history is full; the next run takes their state over. */
export async function watchOfBefore(request: DriftRequest, carried?: unknown): Promise<DriftStatus> {
  const state: StateOfBefore = (carried as StateOfBefore | undefined) ?? {
    cursor: null,
    pending: [],
    polls: 0,
    measures: [],
    lastAlarmAt: null,
    stopped: false,
  };
  const status = (): DriftStatus => {
    const { cursor, pending: _, ...shown } = state;
    const { changeRate, coolDownSeconds, logs, minRequests, model, pollSeconds, psi } = request;
    const limits = { changeRate, coolDownSeconds, minRequests, pollSeconds, psi };
    return { model, logs, ...shown, limits, newest: cursor };
  };
  setHandler(driftStatusQuery, status);
  setHandler(driftStateQuery, () => state);
  setHandler(stopSignal, () => {
    state.stopped = true;
  });
  upsertSearchAttributes([{ key: modelAttribute, value: request.model }]);

  while (!state.stopped) {
    await poll(request, state);
    if (workflowInfo().continueAsNewSuggested) {
      await keepHistory({ outcome: 'continued' });
      await continueAsNew<(request: DriftRequest, carried: StateOfBefore) => Promise<unknown>>(
        request,
        state,
      );
    }
    await condition(() => state.stopped, request.pollSeconds * 1000);
  }
  return status();
}

async function poll(request: DriftRequest, state: StateOfBefore): Promise<void> {
  const { changeRate, coolDownSeconds, logs, minRequests, model, psi, robustify: response } = request;
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
  const answers = found.measure.alarm !== null && !found.measure.rollout;
  const started = answers ? await respond(response, coolDownSeconds, state) : null;
  state.measures.push({ ...found.measure, started });
  state.measures.splice(0, state.measures.length - shownMeasures);
}
