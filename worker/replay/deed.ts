/** Something that a workflow does to the outside, as its code says it and as its history tells it. */
export interface Deed {
  /** Both sides find each other by it. */
  key: string;
  /** For people: `activity "gate"`. */
  what: string;
  facts: Record<string, unknown>;
}

/** Deeds without an id of their own are told by their place among their like. */
export function counting(): (kind: string) => string {
  const counts = new Map<string, number>();
  return (kind) => {
    const n = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, n);
    return `${kind} ${n}`;
  };
}

export const activityDeed = (id: string, type: string, input: unknown[]): Deed => ({
  key: `activity ${id}`,
  what: `activity "${type}"`,
  facts: { type, ...numbered(input) },
});

export const timerDeed = (id: string, milliseconds: number): Deed => ({
  key: `timer ${id}`,
  what: 'timer',
  facts: { duration: `${milliseconds / 1000} s` },
});

export const childDeed = (
  key: string,
  facts: { type: string; workflowId: string; parentClosePolicy: string },
  input: unknown[],
): Deed => ({ key, what: `child workflow "${facts.type}"`, facts: { ...facts, ...numbered(input) } });

export const signalDeed = (key: string, to: string, name: string, input: unknown[]): Deed => ({
  key,
  what: `signal "${name}"`,
  facts: { to, name, ...numbered(input) },
});

export const attributesDeed = (key: string, values: Record<string, unknown>): Deed => ({
  key,
  what: 'search attributes',
  facts: values,
});

export const memoDeed = (key: string, values: Record<string, unknown>): Deed => ({
  key,
  what: 'memo',
  facts: values,
});

/** `outcome`: `{ result }`, or `{ failure }`. */
export const updateDeed = (id: string, outcome: Record<string, unknown>): Deed => ({
  key: `update ${id}`,
  what: 'answer to an update',
  facts: outcome,
});

export const handledDeed = (key: string, what: string): Deed => ({ key, what, facts: {} });

/** How the execution ends. */
export const endDeed = (facts: Record<string, unknown>): Deed => ({
  key: 'end',
  what: 'end of the workflow',
  facts,
});

/** Arguments by their place, as people count them. */
function numbered(input: unknown[]): Record<string, unknown> {
  return Object.fromEntries(input.map((value, i) => [`argument ${i + 1}`, value]));
}
