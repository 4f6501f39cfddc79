import { isDeepStrictEqual } from 'node:util';
import { codeMemo } from '../../workflows/code.ts';
import { isOfBefore } from './before.ts';
import type { Deed } from './deed.ts';
import type { Place } from './deeds-of-history.ts';

export interface Difference extends Partial<Place> {
  /** In words, with event, stage and time. */
  message: string;
}

/** Differences that are told of one history; what follows the first ones follows from them. */
const mostTold = 5;

type Pass = (path: string, then: unknown, now: unknown) => boolean;

/** Where a value first differs: its place, and both sides. `pass`: places that may differ. */
function firstDifference(
  then: unknown,
  now: unknown,
  at: string,
  pass: Pass,
): { at: string; then: unknown; now: unknown } | null {
  if (isDeepStrictEqual(then, now) || pass(at, then, now)) return null;
  const [a, b] = [then, now] as [Record<string, unknown>, Record<string, unknown>];
  const nested = [a, b].every((side) => typeof side === 'object' && side !== null);
  if (!nested || Array.isArray(a) !== Array.isArray(b)) return { at, then, now };
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = firstDifference(a[key], b[key], `${at}${Array.isArray(a) ? `[${key}]` : `.${key}`}`, pass);
    if (found) return found;
  }
  return null;
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

export function placeText({ eventId, stage, time }: Place): string {
  const at = time === '' ? '' : `, ${time.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}`;
  return `event ${eventId}${stage === null ? '' : `, stage "${stage}"`}${at}`;
}

function changed(
  { facts: then, what }: Deed,
  { facts: now }: Deed,
  place: Place,
  pass: Pass,
): Difference | null {
  for (const key of new Set([...Object.keys(then), ...Object.keys(now)])) {
    // Other code has another digest; who replays is told of it beside the differences.
    if (what === 'memo' && key === codeMemo) continue;
    const found = firstDifference(then[key], now[key], `${what} ${key}`, pass);
    if (!found) continue;
    const at = `${what}, ${found.at.slice(what.length + 1)}`;
    const message = `${placeText(place)}: ${at}: ${shown(found.then)} in the history, ${shown(found.now)} by this code`;
    return { ...place, message };
  }
  return null;
}

/**
 * What this code does otherwise than the history says. `ended`: the history goes to the workflow's end, `replayed`: and so did the
 * replay: nothing may be missing on either side. `before`: by other code.
 */
export function differences(
  then: readonly { deed: Deed; place: Place }[],
  now: ReadonlyMap<string, Deed>,
  { before, ended, replayed }: { ended: boolean; replayed: boolean; before: boolean },
): Difference[] {
  const found: Difference[] = [];
  const pass: Pass = before ? isOfBefore : () => false;
  for (const { deed, place } of then) {
    const other = now.get(deed.key);
    if (other) found.push(...[changed(deed, other, place, pass)].filter((one) => one !== null));
    else if (replayed) {
      const message = `${placeText(place)}: the history has this ${deed.what}, this code does nothing of the kind`;
      found.push({ ...place, message });
    }
  }
  if (replayed && ended) {
    const keys = new Set(then.map(({ deed }) => deed.key));
    for (const { key, what } of now.values())
      if (!keys.has(key)) found.push({ message: `this code does more than the history says: ${what}` });
  }
  return found.slice(0, mostTold);
}
