import type { CommonFlags } from './flags.ts';
import { fitted } from './views/text.ts';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';
const codes: Record<Style, [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** Where a command's words go: data to stdout, everything else to stderr. */
export class Output {
  readonly json: boolean;
  /** A person sits at the terminal and may be asked. */
  readonly interactive: boolean;
  /** Progress may redraw its lines. */
  readonly redraws: boolean;
  /** What goes to stdout may have colours. */
  readonly colorOut: boolean;
  private readonly colorErr: boolean;

  constructor(flags: CommonFlags) {
    this.json = flags.json ?? false;
    const plain = !flags.color || Boolean(process.env.NO_COLOR) || process.env.TERM === 'dumb';
    this.colorOut = !plain && process.stdout.isTTY === true;
    this.colorErr = !plain && process.stderr.isTTY === true;
    this.redraws = process.stderr.isTTY === true && process.env.TERM !== 'dumb' && !process.env.CI;
    this.interactive =
      flags.input && !this.json && process.stdin.isTTY === true && process.stderr.isTTY === true;
  }

  /** The command's result: one JSON object with --json, else `text` in 80 columns. */
  result(value: unknown, text: () => string): void {
    process.stdout.write(this.json ? `${JSON.stringify(value)}\n` : `${fitted(text())}\n`);
  }

  /** A line for people about what goes on. It is broken for a terminal alone: a log file takes one message a line. */
  readonly log = (line: string): void => {
    process.stderr.write(`${process.stderr.isTTY ? fitted(line, process.stderr.columns) : line}\n`);
  };

  /** Styled for stdout. */
  style(text: string, style: Style): string {
    return this.colorOut ? paint(text, style) : text;
  }

  /** Styled for stderr. */
  styleErr(text: string, style: Style): string {
    return this.colorErr ? paint(text, style) : text;
  }
}

function paint(text: string, style: Style): string {
  const [on, off] = codes[style];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}
