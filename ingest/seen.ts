import type { Sample } from '../schemas/benchmark.ts';
import { digestOfBytes } from '../store/index.ts';

/** A file that is read: its place in the order, and its path from what was asked for. */
export interface Origin {
  number: number;
  name: string;
}

/** A row that says the same as an earlier one: nothing is lost without it. */
export class Repetition extends Error {}

const bits = 2 ** 32;

type Unnamed = Omit<Sample, 'id' | 'source'>;

/** What a row calls itself. */
export interface Naming {
  id: string;
  /** The data name no row: the id is made of the file's name and the place. */
  unnamed: boolean;
  /** All that the row says, where its file has its id on other rows, too; absent: the id is its own. */
  shared?: string | undefined;
  row: number;
}

/** 52 bits of a digest: of a million rows no two share them by chance. */
const hash = (parts: unknown) =>
  Number.parseInt(digestOfBytes(Buffer.from(JSON.stringify(parts))).slice(-13), 16);

/** What a sample asks and shows. */
const contentOf = ({ answer, image, options, question }: Unnamed) =>
  hash([question, options, answer, image && digestOfBytes(image.bytes)]);

/**
 * The rows that have come so far. Files of one data set may number their rows alike, and may repeat each other: a row that is
 * another's in all it says is a repetition, one that only has its id gets the file's name behind it.
 */
export class SeenRows {
  /** By id: the file's number and the content, in one number (there may be millions). */
  private readonly ids = new Map<string, number>();
  /** By content, of rows that the data do not name: the file's number. */
  private readonly contents = new Map<number, number>();
  /** Rows of a file that share their id with others of it: all that they say. */
  private readonly sharing = new Set<number>();
  /** Of a single file contents are not compared: millions of rows should cost no more than their ids. */
  private readonly several: boolean;

  constructor(files: number) {
    this.several = files > 1;
  }

  /** The id that the row gets, which no other has. @throws Repetition */
  add(naming: Naming, sample: Unnamed, origin: Origin): string {
    const { id, shared, unnamed } = naming;
    const { fields, split } = sample;
    const content = this.several ? contentOf(sample) : 0;
    if (shared !== undefined) this.checkSharing(hash([origin.number, shared]));
    const found = this.ids.get(id);
    const isOther = found !== undefined && Math.floor(found / bits) !== origin.number;
    if (isOther && found % bits === content % bits)
      throw new Repetition(`it is the row "${id.slice(0, 60)}" in an earlier file`);
    // The same question may be in two parts of a set, or in two subjects, and then was meant to be.
    if (unnamed && this.several) this.checkContent(hash([content, split, fields]), origin);
    const name = this.free(naming, origin);
    this.ids.set(name, origin.number * bits + (content % bits));
    return name;
  }

  private free({ id, row }: Naming, { name }: Origin): string {
    const names = [id, `${id} (${name})`, `${id} (${name} ${row})`];
    const free = names.find((one) => !this.ids.has(one));
    if (free !== undefined) return free;
    for (let count = 2; ; count++) {
      const next = `${id} (${name} ${row}, ${count})`;
      if (!this.ids.has(next)) return next;
    }
  }

  private checkSharing(said: number): void {
    if (this.sharing.has(said))
      throw new Repetition('it is an earlier row of the file once more, id and all');
    this.sharing.add(said);
  }

  private checkContent(content: number, { number }: Origin): void {
    const earlier = this.contents.get(content);
    if (earlier !== undefined && earlier !== number)
      throw new Repetition('its question, options and answer are those of a row in an earlier file');
    this.contents.set(content, number);
  }
}
