import { userInfo } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { PairedFigures } from '../schemas/report.ts';
import type { WaitingGate } from '../schemas/workflow.ts';
import type { ProjectFlags } from './flags.ts';
import { suggested } from './hints.ts';
import type { Output } from './output.ts';
import type { Progress } from './progress.ts';
import type { Work } from './session.ts';
import { localTime, percent, points, table } from './views/table.ts';

/** Shows each gate that waits for a person once, and asks where somebody sits at the terminal. */
export class GatePrompt {
  private readonly output: Output;
  private readonly progress: Progress;
  private readonly flags: ProjectFlags;
  private shown: string | null = null;
  private asking = false;
  private readonly closing = new AbortController();

  constructor(output: Output, progress: Progress, flags: ProjectFlags) {
    this.flags = flags;
    this.output = output;
    this.progress = progress;
  }

  /** True while a question is open: nothing else may draw then. */
  get busy(): boolean {
    return this.asking;
  }

  show(gate: WaitingGate | null, work: Work): void {
    const key = gate && `${gate.workflowId} ${gate.stage} ${gate.since}`;
    if (!gate || key === this.shown) return;
    this.shown = key;
    this.progress.clear();
    this.output.log(gateText(gate));
    if (this.output.interactive) void this.ask(gate, work);
    else this.output.log(howToDecide(gate, this.flags));
  }

  /** Takes back a question that nobody needs to answer any more. */
  close(): void {
    this.closing.abort();
  }

  private async ask(gate: WaitingGate, work: Work): Promise<void> {
    const { session, api } = work;
    const signal = AbortSignal.any([work.signal, this.closing.signal]);
    this.asking = true;
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    // While it asks, the terminal makes a key of Ctrl-C: it is to interrupt the run, not the question alone.
    terminal.on('SIGINT', () => process.emit('SIGINT', 'SIGINT'));
    try {
      const answer = await terminal.question(
        `Go on to ${gate.next ?? 'the promotion'}? [yes / no / later] `,
        { signal },
      );
      const decision = /^y(es)?$/i.test(answer.trim())
        ? 'approve'
        : /^no?$/i.test(answer.trim())
          ? 'reject'
          : null;
      if (!decision) return this.output.log(howToDecide(gate, this.flags));
      const { workflowId, stage } = gate;
      // A decision without its reason is refused.
      const comment = await terminal.question('What did you look at, and why? ', { signal });
      await api.decide(session, { workflowId, stage, decision, by: personName(), comment });
    } catch (error) {
      if (!signal.aborted) this.output.log(error instanceof Error ? error.message : String(error));
    } finally {
      terminal.close();
      this.asking = false;
    }
  }
}

/** The user's login name; empty where the system knows none. */
export function personName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? '';
  }
}

/** Who acts: `given`, or the login name. Throws GuardError BAD_CONFIG where the system has none. */
export function personOf(given: string | undefined): string {
  const by = given ?? personName();
  if (by) return by;
  const message = 'The system does not say who you are; name yourself with --by.';
  throw new GuardError(ErrorCode.BadConfig, message);
}

const limitsOf = ({ ci95, limits }: PairedFigures) => (limits ? [limits.lower, limits.upper] : ci95);

function gateText(gate: WaitingGate): string {
  const rows = gate.figures.map((figure) => [
    figure.name,
    String(figure.n),
    percent(figure.championAccuracy),
    percent(figure.challengerAccuracy),
    `${points(figure.difference)} (${limitsOf(figure).map(points).join(' to ')})`,
    figure.pValue.toPrecision(2),
    figure.verdict,
  ]);
  const [old, fresh] = gate.stage === 'pilot' ? ['as it is', 'piloted'] : ['champion', 'challenger'];
  const head = ['comparison', 'n', old!, fresh!, 'points (limits)', 'p', 'verdict'];
  return [
    `The gate of stage ${gate.stage} waits for a person, until ${localTime(gate.deadline)}. Its verdict: ${gate.verdict}.`,
    ...(gate.stage === 'pilot' ? [] : ['It compares on a replay of held-out requests, not on live traffic.']),
    table(head, rows, [1, 2, 3, 4, 5]),
    // What a pilot promises stands in its reason alone.
    ...(gate.verdict === 'pass' && gate.stage !== 'pilot' ? [] : [gate.reason]),
  ].join('\n');
}

/** The command that lets a run go on. */
export function decisionCommand({ stage, workflowId }: WaitingGate, flags: ProjectFlags): string {
  const words = `approve ${workflowId} --stage ${stage} --comment "<what you looked at, and why>"`;
  return suggested(words, flags);
}

function howToDecide(gate: WaitingGate, flags: ProjectFlags): string {
  return `Decide in another terminal (approve or reject):\n  ${decisionCommand(gate, flags)}`;
}
