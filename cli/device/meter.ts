import type { Output } from '../output.ts';

const redrawMs = 200;
const lineMs = 10_000;

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/** Says how far a download is: on a terminal in one line that is redrawn, elsewhere in a line now and then. */
export class Meter {
  private readonly output: Pick<Output, 'log' | 'redraws'>;
  private readonly total: number;
  private readonly begun = Date.now();
  private first: number | null = null;
  private shown = Date.now();
  private drawn = false;

  constructor(output: Pick<Output, 'log' | 'redraws'>, total: number) {
    this.output = output;
    this.total = total;
  }

  /** `bytes` of the whole are there. */
  show(bytes: number, what: string): void {
    const now = Date.now();
    // What an earlier call has brought says nothing of the speed.
    this.first ??= bytes;
    if (now - this.shown < (this.output.redraws ? redrawMs : lineMs)) return;
    this.shown = now;
    const speed = (bytes - this.first) / Math.max(now - this.begun, 1) / 1000;
    const share = Math.floor((100 * bytes) / this.total);
    const line = `${share} % of ${megabytes(this.total)}, ${speed.toFixed(1)} MB/s, ${what}`;
    if (!this.output.redraws) {
      this.output.log(line);
      return;
    }
    const width = (process.stderr.columns ?? 80) - 1;
    process.stderr.write(`\r\u001b[K${line.slice(0, width)}`);
    this.drawn = true;
  }

  /** A line that stays. */
  log(line: string): void {
    if (this.drawn) process.stderr.write('\r\u001b[K');
    this.drawn = false;
    this.output.log(line);
  }
}
