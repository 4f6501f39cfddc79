import {
  ActivityFailure,
  allHandlersFinished,
  ChildWorkflowFailure,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { DriftMeasure, DriftRequest, DriftStatus } from '../schemas/drift.ts';
import type { StepPlan } from '../schemas/workflow.ts';
import { respond } from './alarm.ts';
import { type StateOfBefore, watchOfBefore } from './drift-before.ts';
import {
  begins,
  begun,
  changedLimits,
  type DriftState,
  isReady,
  noteTrouble,
  shown,
  shownMeasures,
} from './drift-state.ts';
import { inEvidence, keepHistory } from './evidence.ts';
import {
  driftLimitsUpdate,
  driftStateQuery,
  driftStatusQuery,
  modelAttribute,
  stopSignal,
} from './messages.ts';
import { tell } from './tell.ts';

/**
 * Watches a folder of request logs: measures each batch of new files and, when an alarm rings outside of the cool-down,
 * starts `robustify` once. What goes wrong is said in the status, and tried again for as long as the watch runs.
 */
export function driftWatch(
  request: DriftRequest,
  carried?: DriftState | StateOfBefore,
): Promise<DriftStatus> {
  return inEvidence(() => watch(request, carried));
}

async function watch(request: DriftRequest, carried?: DriftState | StateOfBefore): Promise<DriftStatus> {
  if (!patched('files are told by more than their names')) return watchOfBefore(request, carried);
  const state = begun(request, carried);
  setHandler(driftStatusQuery, () => shown(request, state));
  setHandler(driftStateQuery, () => state);
  setHandler(stopSignal, () => {
    state.stopped = true;
  });
  setHandler(
    driftLimitsUpdate,
    (change) => {
      state.limits = changedLimits(state.limits, change);
      return state.limits;
    },
    { validator: (change) => void changedLimits(state.limits, change) },
  );
  upsertSearchAttributes([{ key: modelAttribute, value: request.model }]);

  while (!state.stopped) {
    const more = await look(request, state);
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await keepHistory({ outcome: 'continued' });
      await continueAsNew<typeof driftWatch>(request, state);
    }
    if (more) continue;
    const { limits } = state;
    begins(state, 'waiting');
    await condition(() => state.stopped || state.limits !== limits, limits.pollSeconds * 1000);
  }
  await condition(allHandlersFinished);
  return shown(request, state);
}

/** A step that fails is tried again at the next look, and the status says why. */
function watchSteps({ pollLogs: options }: StepPlan) {
  return proxyActivities<Pick<Activities, 'lookAtLogs' | 'measureLogs'>>({
    startToCloseTimeout: options.startToCloseSeconds * 1000,
    heartbeatTimeout: options.heartbeatSeconds * 1000,
    retry: { maximumAttempts: 3, initialInterval: options.backoffSeconds * 1000 },
  });
}

/** @returns whether there are more files than one look reads */
async function look(request: DriftRequest, state: DriftState): Promise<boolean> {
  try {
    begins(state, 'looking');
    const { away, more } = await lookAt(request, state);
    if (away !== null) {
      noteTrouble(state, away);
      return false;
    }
    if (isReady(state)) await measure(request, state);
    state.trouble = null;
    return more;
  } catch (error) {
    const failed = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
    if (!failed || isCancellation(error)) throw error;
    noteTrouble(state, error.cause?.message ?? error.message);
    return false;
  } finally {
    state.lastTriedAt = new Date().toISOString();
  }
}

async function lookAt(
  { logs, robustify }: DriftRequest,
  state: DriftState,
): Promise<{ away: string | null; more: boolean }> {
  const { lookAtLogs } = watchSteps(robustify.steps);
  const { files } = state;
  // As long as the folder lists as it did, the history need not hold what is known of it at every look.
  const { listing, quarantine } = files;
  const closed = quarantine.filter((file) => file.closed).map(({ name }) => name);
  const known = { listing: listing ?? '', ...(closed.length > 0 ? { closed } : {}) };
  let found = await lookAtLogs({ logs, ...(listing === null ? { files } : known) });
  if ('changed' in found) found = await lookAtLogs({ logs, files });
  state.polls++;
  if ('away' in found) return { away: found.away, more: false };
  state.lastLookAt = new Date().toISOString();
  if (!('files' in found)) return { away: null, more: false };
  state.files = found.files;
  state.newest = found.newest ?? state.newest;
  return { away: null, more: found.more };
}

async function measure({ logs, model, robustify }: DriftRequest, state: DriftState): Promise<void> {
  begins(state, 'measuring');
  const { changeRate, coolDownSeconds, psi } = state.limits;
  const { pending, quarantine } = state.files;
  const { measureLogs } = watchSteps(robustify.steps);
  const limits = { changeRate, psi };
  const found = await measureLogs({ name: model, logs, pending, quarantine, limits, request: robustify });
  state.files = { ...state.files, pending: [], quarantine: found.quarantine };
  if (found.measure === null) return;
  const measured: DriftMeasure = { ...found.measure, started: null };
  state.measures.push(measured);
  state.measures.splice(0, state.measures.length - shownMeasures);
  // What a rollout under way brings is measured when it has ended.
  if (measured.alarm === null || measured.rollout) return;
  const started = await respond(robustify, coolDownSeconds, state);
  measured.started = started;
  // Told as often as it is answered.
  if (started !== null) await tell(started, alarmNotice(model, measured.alarm, started));
}

function alarmNotice(model: string, alarm: string, started: string) {
  return {
    kind: 'drift_alarm' as const,
    model,
    message: `the requests of ${model} have drifted: ${alarm}; ${started} was started`,
    commands: [
      `modality-guard drift status --model ${model}`,
      `modality-guard status ${started}`,
      `modality-guard cancel ${started}`,
    ],
  };
}
