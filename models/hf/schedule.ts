import type { Past } from './decoder.ts';
import type { Row } from './rows.ts';

/** Tokens of a run beyond which more rows make nothing quicker, as the activations no longer fit the processor's caches. */
export const RUN_TOKENS = 2048;

/** Rows of like length together, so that little is padded: at most `size` of them, and at most so many tokens. */
export function batchesByLength<T>(items: readonly T[], lengthOf: (item: T) => number, size: number): T[][] {
  const sorted = [...items].sort((a, b) => lengthOf(a) - lengthOf(b));
  const batches: T[][] = [];
  let batch: T[] = [];
  for (const item of sorted) {
    const full =
      batch.length === size || (batch.length > 0 && (batch.length + 1) * lengthOf(item) > RUN_TOKENS);
    if (full) {
      batches.push(batch);
      batch = [];
    }
    batch.push(item);
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}

/** Questions about the same picture: their prompts begin alike. */
export interface Group {
  rows: Row[];
  /** Tokens that all of them begin with. */
  prefix: number;
}

/** Fewer tokens than this are not worth a run of their own. */
const WORTHWHILE = 16;

/** Separates groups whose prefix is worth a cache from rows that run whole. */
export function splitGroups(rows: readonly Row[]): { groups: Group[]; whole: Row[] } {
  const byPrefix = new Map<string, Row[]>();
  const whole: Row[] = [];
  for (const row of rows) {
    if (!row.features || row.prefix < WORTHWHILE) {
      whole.push(row);
      continue;
    }
    const key = `${row.features.key} ${row.prefix}`;
    const alike = byPrefix.get(key);
    if (alike) alike.push(row);
    else byPrefix.set(key, [row]);
  }
  const groups: Group[] = [];
  for (const alike of byPrefix.values()) {
    const [first] = alike as [Row, ...Row[]];
    if (alike.length > 1) groups.push({ rows: alike, prefix: first.prefix });
    else whole.push(first);
  }
  return { groups, whole };
}

/** A group's rows with the cache of their prefix. */
export interface CachedRow {
  row: Row;
  past: Past;
  at: number;
}
