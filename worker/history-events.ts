/** What a history says, in the JSON of Temporal's own tools. */

export interface Attributes {
  [field: string]: unknown;
}

export interface HistoryEvent {
  eventId: string;
  eventTime?: string;
  eventType: string;
  [attributes: string]: unknown;
}

/** @throws Error saying what is wrong with it */
export function eventsOf(history: unknown): HistoryEvent[] {
  const { events } = (history ?? {}) as { events?: unknown };
  if (!Array.isArray(events) || events.length === 0) throw new Error('it has no events');
  for (const [i, event] of events.entries()) {
    const { eventId, eventType } = (event ?? {}) as Partial<HistoryEvent>;
    if (typeof eventType !== 'string' || String(eventId) !== String(i + 1))
      throw new Error(`event ${i + 1} has no type, or another id`);
  }
  return events as HistoryEvent[];
}

/** The fields of an event of this kind ("activityTaskScheduled"), or null where it is another. */
export function fieldsOf(event: HistoryEvent | undefined, kind: string): Attributes | null {
  return (event?.[`${kind}EventAttributes`] as Attributes | null | undefined) ?? null;
}

const last =
  /^EVENT_TYPE_WORKFLOW_EXECUTION_(COMPLETED|FAILED|TIMED_OUT|CANCELED|TERMINATED|CONTINUED_AS_NEW)$/;

/** Whether nothing comes after this event. */
export const isLast = (event: HistoryEvent | undefined): boolean => last.test(event?.eventType ?? '');

/** One that a history names. */
export interface Relative {
  workflowId: string;
  runId: string;
  /** In words, with the event's id. */
  what: string;
}

/** Children that an execution started, and the execution that it was continued from. */
export function relativesIn(events: readonly HistoryEvent[], workflowId: string): Relative[] {
  return events.flatMap((event): Relative[] => {
    const child = fieldsOf(event, 'childWorkflowExecutionStarted')?.workflowExecution as
      | Partial<Relative>
      | undefined;
    if (child?.workflowId && child.runId) {
      const what = `the child that event ${event.eventId} of ${workflowId} started`;
      return [{ workflowId: child.workflowId, runId: child.runId, what }];
    }
    const from = fieldsOf(event, 'workflowExecutionStarted')?.continuedExecutionRunId;
    if (typeof from !== 'string' || from === '') return [];
    return [{ workflowId, runId: from, what: `the execution that this one of ${workflowId} continues` }];
  });
}

/** A Temporal payload as the value that it holds; bytes of another encoding as their base64. */
export function payloadValue(payload: unknown): unknown {
  const { data, metadata } = (payload ?? {}) as { data?: unknown; metadata?: { encoding?: unknown } };
  const encoding = Buffer.from(String(metadata?.encoding ?? ''), 'base64').toString('latin1');
  if (encoding === 'binary/null') return null;
  if (typeof data !== 'string' || !encoding.startsWith('json/')) return { encoding, data: data ?? null };
  return JSON.parse(Buffer.from(data, 'base64').toString('utf8'));
}

/** Every payload of a list (`{ payloads: […] }`) as its value. */
export function payloadValues(payloads: unknown): unknown[] {
  const list = (payloads as { payloads?: unknown } | null | undefined)?.payloads;
  return Array.isArray(list) ? list.map(payloadValue) : [];
}
