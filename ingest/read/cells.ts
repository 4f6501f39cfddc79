export interface Dialect {
  delimiter: string;
  /** People write "a, b": a cell begins behind the space. */
  trimmed: boolean;
}

/** The cells of one record, which may go on over several lines. */
export class CellReader {
  readonly cells: string[] = [];
  /** A quote is open where the text ended. */
  open = false;
  /** What stands behind a quote that closes in the middle of a cell; absent: none does. */
  stray: string | undefined;
  /** A quote stands inside a cell that does not begin with one. */
  literal = false;
  private readonly dialect: Dialect;
  private quoted = '';

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  /** What the quote that is open holds so far. */
  get begun(): string {
    return this.quoted;
  }

  /** Takes a line; behind an open quote `before`, the end of the line before it, and the line belong to the cell. */
  feed(line: string, before = ''): void {
    let at = 0;
    if (this.open) {
      this.quoted += before;
      at = this.closing(line, 0);
      if (this.open || this.stray !== undefined) return;
    }
    while (at <= line.length) {
      at = this.cell(line, at);
      if (this.open || this.stray !== undefined) return;
    }
  }

  /** Reads a cell from `at` on. @returns where the next one begins; beyond the line: there is none */
  private cell(line: string, from: number): number {
    const { delimiter, trimmed } = this.dialect;
    let at = from;
    while (trimmed && (line[at] === ' ' || line[at] === '\t') && delimiter !== line[at]) at++;
    if (line[at] === '"') {
      this.quoted = '';
      this.open = true;
      return this.closing(line, at + 1);
    }
    const end = line.indexOf(delimiter, at);
    const text = line.slice(at, end < 0 ? undefined : end);
    if (text.includes('"')) this.literal = true;
    this.cells.push(text);
    return end < 0 ? line.length + 1 : end + 1;
  }

  /** Reads on inside a quote. @returns where the next cell begins; beyond the line: there is none */
  private closing(line: string, from: number): number {
    const { delimiter } = this.dialect;
    let at = from;
    for (;;) {
      const quote = line.indexOf('"', at);
      if (quote < 0) {
        this.quoted += line.slice(at);
        return line.length + 1;
      }
      this.quoted += line.slice(at, quote);
      at = quote + 1;
      if (line[at] !== '"') break;
      this.quoted += '"';
      at++;
    }
    this.open = false;
    let end = at;
    while (line[end] === ' ' && delimiter !== ' ') end++;
    if (end < line.length && line[end] !== delimiter) {
      this.stray = line.slice(at, at + 20);
      return line.length + 1;
    }
    this.cells.push(this.quoted);
    return end + 1;
  }
}

/** The cells of a line by itself; undefined where its quotes do not come in pairs around cells. */
export function cleanCells(line: string, dialect: Dialect): string[] | undefined {
  if (!line.includes('"') && !dialect.trimmed) return line.split(dialect.delimiter);
  const reader = new CellReader(dialect);
  reader.feed(line);
  return reader.open || reader.literal || reader.stray !== undefined ? undefined : reader.cells;
}
