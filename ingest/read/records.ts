import { CellReader, cleanCells, type Dialect } from './cells.ts';
import { areRecords } from './swallowed.ts';

/** A record: its cells, or why there are none. */
export type Found = { cells: string[] } | { why: string };

/** Beyond this no cell goes on over lines. */
const longestRecord = 32 * 2 ** 20;

const shown = (text: string) => JSON.stringify(text.slice(0, 40));

/**
 * Records of lines, each without its end. A quote that never closes, or closes in the middle of a cell, costs the record that it
 * opens in and no other: the lines behind it are read again, each from its beginning.
 */
export class RecordReader {
  private readonly lines: AsyncIterator<string>;
  private readonly dialect: Dialect;
  /** Lines that were looked at and belong to no record yet. */
  private waiting: string[] = [];
  private next = 0;

  constructor(lines: AsyncIterable<string>, dialect: Dialect) {
    this.lines = lines[Symbol.asyncIterator]();
    this.dialect = dialect;
  }

  /** The next record, empty lines passed over; undefined: there is none. `width`: how many cells it should have. */
  async read(width?: number): Promise<Found | undefined> {
    let line = await this.line();
    while (line !== undefined && /^ *\r?$/.test(line)) line = await this.line();
    if (line === undefined) return undefined;
    const text = withoutEnd(line);
    if (!text.includes('"') && !this.dialect.trimmed)
      return fitting(text.split(this.dialect.delimiter), width);
    const reader = new CellReader(this.dialect);
    reader.feed(text);
    if (reader.open) return this.goesOn(line, reader, width);
    if (reader.stray === undefined) return fitting(reader.cells, width);
    return this.literal(line, width) ?? { why: strayQuote(reader.stray) };
  }

  async close(): Promise<void> {
    await this.lines.return?.();
  }

  private async line(): Promise<string | undefined> {
    if (this.next < this.waiting.length) return this.waiting[this.next++];
    [this.waiting, this.next] = [[], 0];
    const { done, value } = await this.lines.next();
    return done ? undefined : value;
  }

  private putBack(lines: readonly string[]): void {
    this.waiting = [...lines, ...this.waiting.slice(this.next)];
    this.next = 0;
  }

  /** A record whose first line ends inside a quote. */
  private async goesOn(first: string, reader: CellReader, width: number | undefined): Promise<Found> {
    const lines = [first];
    let size = first.length;
    while (reader.open && size <= longestRecord) {
      const line = await this.line();
      if (line === undefined) break;
      // The end of the line before belongs to the cell, as it was written.
      reader.feed(withoutEnd(line), lines.at(-1)?.endsWith('\r') ? '\r\n' : '\n');
      lines.push(line);
      size += line.length;
    }
    const following = lines.slice(1);
    if (!reader.open && reader.stray === undefined && !this.swallows(lines, reader.cells.length, width))
      return fitting(reader.cells, width);
    this.putBack(following);
    const opens = 'a quote opens in this row and';
    const ends = reader.open
      ? `${opens} never closes`
      : `${opens} would close ${following.length} lines below, in the middle of another row`;
    return (
      this.literal(first, width) ?? { why: `${ends}; close it, or write a quote inside a cell twice ("")` }
    );
  }

  /** Whether the lines behind the first are records of their own, so that its quote is one too many. */
  private swallows(lines: readonly string[], found: number, width: number | undefined): boolean {
    if (width === undefined) return false;
    const texts = lines.map(withoutEnd);
    const isRecord = (line: string) => cleanCells(line, this.dialect)?.length === width;
    if (found !== width) return texts.slice(1).some(isRecord);
    // Inside a quote a line that closes it has an odd number of quotes: by itself it is no record.
    if (isRecord(texts.at(-1) as string)) return true;
    return areRecords(texts, width, this.dialect);
  }

  /** Tabs hardly stand in cells: a line of as many parts as there are columns is a record of a table without quoting. */
  private literal(line: string, width: number | undefined): Found | undefined {
    if (this.dialect.delimiter !== '\t' || width === undefined) return undefined;
    const cells = withoutEnd(line).split('\t');
    return cells.length === width ? { cells } : undefined;
  }
}

const withoutEnd = (line: string) => (line.endsWith('\r') ? line.slice(0, -1) : line);

const strayQuote = (behind: string) =>
  `a quote closes in the middle of a cell, before ${shown(behind)}; write a quote inside a quoted cell twice ("")`;

/** Cells beyond the columns may only be empty, as spreadsheets write them. */
function fitting(cells: string[], width: number | undefined): Found {
  if (width === undefined || cells.length === width) return { cells };
  if (cells.length > width && cells.slice(width).every((cell) => cell.trim() === ''))
    return { cells: cells.slice(0, width) };
  return {
    why: `the row has ${cells.length} cells, the header ${width}; quote cells that hold the delimiter, or fill in what is missing`,
  };
}
