import type { RecordedCommand } from '../../workflows/recorder.ts';
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
import { messageOf } from './deeds-of-history.ts';

type Fields = Record<string, unknown>;
const text = (bytes: unknown) => Buffer.from((bytes ?? []) as Uint8Array).toString('utf8');

/** A payload of the SDK as the value that it holds. */
function payloadValue(payload: unknown): unknown {
  const { data, metadata } = (payload ?? {}) as { data?: unknown; metadata?: Fields };
  const encoding = text(metadata?.encoding);
  if (encoding === 'binary/null') return null;
  if (encoding.startsWith('json/')) return JSON.parse(text(data));
  return { encoding, data: Buffer.from((data ?? []) as Uint8Array).toString('base64') };
}

const payloadValues = (payloads: unknown) => (Array.isArray(payloads) ? payloads.map(payloadValue) : []);
const fieldsIn = (map: unknown) =>
  Object.fromEntries(
    Object.entries((map ?? {}) as Fields).map(([key, payload]) => [key, payloadValue(payload)]),
  );

const milliseconds = (duration: unknown) => {
  const { nanos, seconds } = (duration ?? {}) as { seconds?: number; nanos?: number };
  return (seconds ?? 0) * 1000 + Math.round((nanos ?? 0) / 1e6);
};

/** Of the protocol, as they stand in commands. */
const closePolicies = ['UNSPECIFIED', 'TERMINATE', 'ABANDON', 'REQUEST_CANCEL'];

type Reader = (fields: Fields, count: (kind: string) => string) => Deed | null;
const readers: Record<string, Reader> = {
  scheduleActivity: ({ activityId, activityType, arguments: input, seq }) =>
    activityDeed(String(activityId || seq), String(activityType), payloadValues(input)),
  startTimer: ({ seq, startToFireTimeout }) => timerDeed(String(seq), milliseconds(startToFireTimeout)),
  startChildWorkflowExecution: ({ input, parentClosePolicy, workflowId, workflowType }, count) =>
    childDeed(
      count('child'),
      {
        type: String(workflowType),
        workflowId: String(workflowId),
        parentClosePolicy: closePolicies[Number(parentClosePolicy ?? 0)] ?? String(parentClosePolicy),
      },
      payloadValues(input),
    ),
  signalExternalWorkflowExecution: ({ args, childWorkflowId, signalName, workflowExecution }, count) => {
    const to = (workflowExecution as { workflowId?: unknown } | undefined)?.workflowId ?? childWorkflowId;
    return signalDeed(count('signal to'), String(to), String(signalName), payloadValues(args));
  },
  upsertWorkflowSearchAttributes: ({ searchAttributes }, count) => {
    const given = (searchAttributes ?? {}) as Fields;
    return attributesDeed(count('attributes'), fieldsIn(given.indexedFields ?? given));
  },
  modifyWorkflowProperties: ({ upsertedMemo }, count) =>
    memoDeed(count('memo'), fieldsIn((upsertedMemo as Fields | undefined)?.fields)),
  updateResponse: ({ accepted, completed, protocolInstanceId, rejected }) => {
    const id = String(protocolInstanceId);
    if (accepted) return handledDeed(`accepted ${id}`, 'acceptance of an update');
    if (rejected) return updateDeed(id, { failure: messageOf(rejected) });
    return updateDeed(id, { result: completed ? payloadValue(completed) : null });
  },
  completeWorkflowExecution: ({ result }) =>
    endDeed({ end: 'completed', result: result ? payloadValue(result) : null }),
  failWorkflowExecution: ({ failure }) => endDeed({ end: 'failed', failure: messageOf(failure) }),
  cancelWorkflowExecution: () => endDeed({ end: 'cancelled' }),
  continueAsNewWorkflowExecution: ({ arguments: input, workflowType }) =>
    endDeed({ end: 'continued as new', type: String(workflowType), arguments: payloadValues(input) }),
};

/** What a workflow does while it is replayed. */
export function recording() {
  const count = counting();
  const deeds = new Map<string, Deed>();
  const take = (deed: Deed | null) => {
    if (deed) deeds.set(deed.key, deed);
  };
  return {
    deeds,
    commands(commands: RecordedCommand[]) {
      for (const command of commands) {
        for (const [kind, read] of Object.entries(readers)) {
          const fields = command[kind] as Fields | null | undefined;
          if (fields) take(read(fields, count));
        }
      }
      // What is begun and given up at once never comes to the server.
      for (const { cancelTimer, requestCancelActivity } of commands as Record<string, Fields | undefined>[]) {
        const begun = (kind: string, seq: unknown) =>
          commands.some((command) => (command[kind] as Fields | undefined)?.seq === seq);
        if (cancelTimer && begun('startTimer', cancelTimer.seq)) deeds.delete(`timer ${cancelTimer.seq}`);
        if (requestCancelActivity && begun('scheduleActivity', requestCancelActivity.seq))
          deeds.delete(`activity ${requestCancelActivity.seq}`);
      }
    },
    signal(name: string) {
      take(handledDeed(count(`signal ${name}`), `handler of the signal "${name}"`));
    },
  };
}
