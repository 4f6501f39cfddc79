import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** One line of a side's answers: of a step `seconds`, `cpu` (seconds of all its threads) and `loss`. */
export type Answer = Record<string, number | string>;

/** A process of its own that takes a step for each line it is sent, so that both sides are measured alike. */
export class Side {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private errors = '';

  constructor(program: string, args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(program, args, { env: { ...process.env, ...env } });
    this.child.on('error', (error) => {
      this.errors += error.message;
    });
    this.child.stderr.on('data', (data) => {
      this.errors += data;
    });
    this.child.stdin.on('error', () => {});
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** The next line. Throws where the process has ended, with the last line of what it said. */
  async next(): Promise<Answer> {
    const { done, value } = await this.lines.next();
    if (!done) return JSON.parse(value) as Answer;
    throw new Error(this.errors.trim().split('\n').at(-1) || 'it ended without an answer');
  }

  ask(line: string): Promise<Answer> {
    this.child.stdin.write(`${line}\n`);
    return this.next();
  }

  step(): Promise<Answer> {
    return this.ask('step');
  }

  /** Ends the process. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin.end();
    if (this.child.exitCode === null && this.child.pid !== undefined) await ended;
  }
}

/** Our side: an entry of dist/bench/. */
export function ourSide(
  entry: `${string}.js`,
  args: readonly string[],
  env: Record<string, string> = {},
): Side {
  return new Side(process.execPath, [fileURLToPath(new URL(entry, import.meta.url)), ...args], env);
}

/** The peer: a script of bench/peer/, run by PYTHON or python3. */
export function peerSide(script: string, args: readonly string[]): Side {
  // From dist/bench/ as well as from bench/.
  const root = import.meta.url.includes('/dist/') ? '../../' : '../';
  const path = fileURLToPath(new URL(`${root}bench/peer/${script}`, import.meta.url));
  return new Side(process.env.PYTHON || 'python3', [path, ...args]);
}
