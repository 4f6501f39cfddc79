import {
  type Attributes,
  fieldsOf,
  type HistoryEvent,
  payloadValue,
  payloadValues,
} from '../history-events.ts';
import {
  activityDeed,
  attributesDeed,
  childDeed,
  counting,
  type Deed,
  endDeed,
  handledDeed,
  memoDeed,
  signalDeed,
  timerDeed,
  updateDeed,
} from './deed.ts';

/** Where in a history something stands. */
export interface Place {
  eventId: string;
  /** The stage that the workflow was in by its search attributes; null: none yet. */
  stage: string | null;
  /** ISO 8601; empty: the event has none. */
  time: string;
}

const nameOf = (value: unknown) => String((value as { name?: unknown } | undefined)?.name ?? '');
const idOf = (value: unknown) => String((value as { workflowId?: unknown } | undefined)?.workflowId ?? '');

/** "2.500s" of protobuf's JSON in milliseconds. */
const milliseconds = (duration: unknown) => Math.round(Number.parseFloat(String(duration ?? '0')) * 1000);

function fieldsIn(map: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries((map ?? {}) as object).map(([key, payload]) => [key, payloadValue(payload)]),
  );
}

/** What the SDK notes of `patched` by itself. */
const ofPatches = 'TemporalChangeVersion';

type Reader = (fields: Attributes, count: (kind: string) => string) => Deed | null;
const readers: Record<string, Reader> = {
  activityTaskScheduled: ({ activityId, activityType, input }) =>
    activityDeed(String(activityId), nameOf(activityType), payloadValues(input)),
  timerStarted: ({ startToFireTimeout, timerId }) =>
    timerDeed(String(timerId), milliseconds(startToFireTimeout)),
  startChildWorkflowExecutionInitiated: ({ input, parentClosePolicy, workflowId, workflowType }, count) =>
    childDeed(
      count('child'),
      {
        type: nameOf(workflowType),
        workflowId: String(workflowId),
        parentClosePolicy: String(parentClosePolicy ?? '').replace('PARENT_CLOSE_POLICY_', ''),
      },
      payloadValues(input),
    ),
  signalExternalWorkflowExecutionInitiated: ({ input, signalName, workflowExecution }, count) =>
    signalDeed(count('signal to'), idOf(workflowExecution), String(signalName), payloadValues(input)),
  upsertWorkflowSearchAttributes: ({ searchAttributes }, count) => {
    const values = fieldsIn((searchAttributes as Attributes | undefined)?.indexedFields);
    return ofPatches in values ? null : attributesDeed(count('attributes'), values);
  },
  workflowPropertiesModified: ({ upsertedMemo }, count) =>
    memoDeed(count('memo'), fieldsIn((upsertedMemo as Attributes | undefined)?.fields)),
  workflowExecutionSignaled: ({ signalName }, count) =>
    handledDeed(count(`signal ${String(signalName)}`), `handler of the signal "${String(signalName)}"`),
  workflowExecutionUpdateAccepted: ({ protocolInstanceId }) =>
    handledDeed(`accepted ${String(protocolInstanceId)}`, 'acceptance of an update'),
  workflowExecutionUpdateCompleted: ({ meta, outcome }) => {
    const id = String((meta as Attributes | undefined)?.updateId);
    const { failure, success } = (outcome ?? {}) as Attributes;
    return updateDeed(
      id,
      failure ? { failure: messageOf(failure) } : { result: payloadValues(success)[0] ?? null },
    );
  },
  workflowExecutionCompleted: ({ result }) =>
    endDeed({ end: 'completed', result: payloadValues(result)[0] ?? null }),
  workflowExecutionFailed: ({ failure }) => endDeed({ end: 'failed', failure: messageOf(failure) }),
  workflowExecutionCanceled: () => endDeed({ end: 'cancelled' }),
  workflowExecutionContinuedAsNew: ({ input, workflowType }) =>
    endDeed({ end: 'continued as new', type: nameOf(workflowType), arguments: payloadValues(input) }),
};

export function messageOf(failure: unknown): string {
  return String((failure as { message?: unknown } | null | undefined)?.message ?? '');
}

/** What a history says that its workflow did, in the order of its events, each with its place. */
export function deedsOfHistory(events: readonly HistoryEvent[], stageAttribute: string) {
  const count = counting();
  const deeds: { deed: Deed; place: Place }[] = [];
  const places: Place[] = [];
  let stage: string | null = null;
  for (const event of events) {
    for (const [kind, read] of Object.entries(readers)) {
      const fields = fieldsOf(event, kind);
      const deed = fields && read(fields, count);
      if (!deed) continue;
      if (kind === 'upsertWorkflowSearchAttributes' && stageAttribute in deed.facts)
        stage = String(deed.facts[stageAttribute]);
      deeds.push({ deed, place: placeOf(event, stage) });
    }
    places.push(placeOf(event, stage));
  }
  return { deeds, places };
}

const placeOf = ({ eventId, eventTime }: HistoryEvent, stage: string | null): Place => ({
  eventId: String(eventId),
  stage,
  time: eventTime ?? '',
});
