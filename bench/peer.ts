import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** One line of the peer's answers. */
export type Answer = Record<string, number | string>;

/** A Python process that takes a step for each line it is sent. */
export class Peer {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private errors = '';

  /** `script` lies in bench/peer/; the interpreter is PYTHON or python3. */
  constructor(script: string, args: readonly string[]) {
    // From dist/bench/ as well as from bench/.
    const root = fileURLToPath(
      new URL(import.meta.url.includes('/dist/') ? '../../' : '../', import.meta.url),
    );
    this.child = spawn(process.env.PYTHON || 'python3', [`${root}bench/peer/${script}`, ...args]);
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

  async step(): Promise<Answer> {
    this.child.stdin.write('step\n');
    return this.next();
  }

  close(): void {
    this.child.stdin.end();
  }
}
