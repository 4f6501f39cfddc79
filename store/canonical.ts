import { createHash } from 'node:crypto';
import type { Digest } from '../schemas/artifact.ts';

/**
 * JSON with sorted keys and no spaces: equal values give equal text. Properties that are undefined are left out.
 * @throws TypeError naming the place of a value that JSON cannot hold (NaN, a function, undefined in an array)
 */
export function canonicalJson(value: unknown, place = '$'): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) {
    return `[${value.map((item, i) => canonicalJson(item, `${place}[${i}]`)).join(',')}]`;
  }
  if (typeof value === 'object' && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    // By UTF-16 unit: the order must not depend on the machine's language.
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    const fields = entries.map(
      ([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item, `${place}.${key}`)}`,
    );
    return `{${fields.join(',')}}`;
  }
  throw new TypeError(`${place} is not a JSON value: ${String(value)}`);
}

export const digestOfBytes = (bytes: Uint8Array | string): Digest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The digest of a value's canonical JSON. */
export const digestOf = (value: unknown): Digest => digestOfBytes(canonicalJson(value));
