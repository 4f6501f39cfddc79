import type { Sample } from '../schemas/benchmark.ts';
import { digestOfBytes } from '../store/index.ts';
import { Fault } from './draft.ts';

/** A file that is read: its place in the order, and its path from what was asked for. */
export interface Origin {
  number: number;
  name: string;
}

const bits = 2 ** 32;

type Unnamed = Omit<Sample, 'id' | 'source'>;

/** 32 bits of a digest. */
const hash = (parts: unknown) =>
  Number.parseInt(digestOfBytes(Buffer.from(JSON.stringify(parts))).slice(-8), 16);

/** What a sample asks and shows. */
const contentOf = ({ answer, image, options, question }: Unnamed) =>
  hash([question, options, answer, image && digestOfBytes(image.bytes)]);

/**
 * The rows that have come so far. Files of one data set may number their rows alike, and may repeat each other: a row that is
 * another's in all it says is refused, one that only has its id gets the file's name behind it.
 */
export class SeenRows {
  /** By id: the file's number and the content, in one number (there may be millions). */
  private readonly ids = new Map<string, number>();
  /** By content, of rows that the data do not name: the file's number. */
  private readonly contents = new Map<number, number>();
  /** Of a single file contents are not compared: millions of rows should cost no more than their ids. */
  private readonly several: boolean;

  constructor(files: number) {
    this.several = files > 1;
  }

  /** The id that the row gets. @throws Fault where it is a repetition */
  add(id: string, unnamed: boolean, sample: Unnamed, origin: Origin): string {
    const content = this.several ? contentOf(sample) : 0;
    const found = this.ids.get(id);
    const shown = `"${id.slice(0, 60)}"`;
    if (found !== undefined && Math.floor(found / bits) === origin.number)
      throw new Fault('id', `${shown} is taken by an earlier row`);
    if (found !== undefined && found % bits === content)
      throw new Fault('id', `${shown} is taken by the same row in an earlier file`);
    const name = found === undefined ? id : `${id} (${origin.name})`;
    if (this.ids.has(name)) throw new Fault('id', `${shown} is taken by an earlier row`);
    // The same question may be in two parts of a set, or in two subjects, and then was meant to be.
    const { fields, split } = sample;
    if (unnamed && this.several) this.checkContent(hash([content, split, fields]), origin);
    this.ids.set(name, origin.number * bits + content);
    return name;
  }

  private checkContent(content: number, { number }: Origin): void {
    const earlier = this.contents.get(content);
    if (earlier !== undefined && earlier !== number)
      throw new Fault('question', 'the same question, options and answer are in an earlier file');
    this.contents.set(content, number);
  }
}
