import { Fault } from './draft.ts';
import { AnswerColumn, type AnswerRule } from './formats/answers.ts';
import type { RawRow } from './raw.ts';
import { splitOfText } from './splits.ts';

/** What a look at all rows of a source has shown, before the first one is read. */
export interface Survey {
  /** Whether more than one row has this id. */
  repeats(id: string): boolean;
  rule: AnswerRule;
  /** What a person should know of how the columns are read. */
  notes: string[];
}

/** How rows are looked at: their ids (null: none), and their answers. */
export interface Looking {
  idOf?: (row: RawRow) => string | null;
  addAnswer?: (row: RawRow, column: AnswerColumn) => void;
  /** What the row says of its split. */
  splitOf?: (row: RawRow) => string | null;
}

/** What rows say of their splits that names none. */
class UnknownSplits {
  private count = 0;
  private first = '';

  add(said: string | null | undefined): void {
    if (said === null || said === undefined || splitOfText(said)) return;
    if (this.count++ === 0) this.first = said.slice(0, 40);
  }

  notes(): string[] {
    if (this.count === 0) return [];
    const rows = this.count === 1 ? '1 row has a split that is' : `${this.count} rows have a split that is`;
    return [
      `${rows} called neither train nor test nor val ("${this.first}") and so is for testing; rename it, or draw the splits with --split`,
    ];
  }
}

/** 53 bits of a text (cyrb53): two ids that share them only cost two rows their own names. */
function hashOf(text: string): number {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 2 ** 32 * (2097151 & b) + (a >>> 0);
}

/** Ids in eight bytes each: a million rows cost 8 MB, and for as long as the source is looked at. */
class IdColumn {
  private hashes = new Float64Array(1024);
  private count = 0;

  add(id: string): void {
    if (this.count === this.hashes.length) {
      const wider = new Float64Array(2 * this.count);
      wider.set(this.hashes);
      this.hashes = wider;
    }
    this.hashes[this.count++] = hashOf(id);
  }

  repeated(): Set<number> {
    const sorted = this.hashes.subarray(0, this.count).sort();
    const found = new Set<number>();
    for (let i = 1; i < sorted.length; i++) if (sorted[i] === sorted[i - 1]) found.add(sorted[i] as number);
    return found;
  }
}

/** Reads all rows once and keeps what their columns hold, not the rows. */
export async function surveyed(
  rows: AsyncIterable<RawRow>,
  { addAnswer, idOf, splitOf }: Looking,
): Promise<Survey> {
  const ids = new IdColumn();
  const answers = new AnswerColumn();
  const splits = new UnknownSplits();
  const noFault = <T>(look: () => T): T | undefined => {
    try {
      return look();
    } catch (error) {
      // The row is a reject; its fault is named when it is read.
      if (error instanceof Fault) return undefined;
      throw error;
    }
  };
  for await (const row of rows) {
    const id = noFault(() => idOf?.(row));
    if (id !== null && id !== undefined) ids.add(id);
    noFault(() => addAnswer?.(row, answers));
    splits.add(noFault(() => splitOf?.(row)));
  }
  const repeated = ids.repeated();
  const rule = answers.decide();
  const note = addAnswer && answers.note(rule);
  const many = repeated.size === 1 ? '1 id is' : `${repeated.size} ids are`;
  const own = `${many} on several rows and so names none: these rows are called by the file and their place`;
  const shared = repeated.size === 0 ? [] : [own];
  return {
    repeats: (id) => repeated.size > 0 && repeated.has(hashOf(id)),
    rule,
    notes: [...shared, ...(note ? [note] : []), ...splits.notes()],
  };
}
