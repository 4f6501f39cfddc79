import type { Command } from 'commander';
import type { ProjectFlags } from '../flags.ts';
import { withProjectFlags } from '../flags.ts';
import { followRun } from '../follow.ts';
import { decisionCommand } from '../gate-prompt.ts';
import { suggested } from '../hints.ts';
import type { Output } from '../output.ts';
import type { Work } from '../session.ts';
import { withSession } from '../session.ts';
import { localTime, seconds, table } from '../views/table.ts';
import { handle } from './command.ts';

interface StatusFlags extends ProjectFlags {
  model?: string;
  watch?: boolean;
}

export function addStatus(program: Command): void {
  const command = withProjectFlags(
    program
      .command('status')
      .description('the runs of this project, or the stages of one')
      .argument('[workflow]', 'workflow id')
      .option('--model <name>', 'only the runs of this model (default: of all)')
      .option('--watch', 'follow the run until it has ended (this command does no work of it)'),
  );
  handle<StatusFlags>(command, status);
}

async function status(flags: StatusFlags, output: Output, [workflowId]: string[]): Promise<undefined> {
  await withSession(flags, output, false, async (work) => {
    if (workflowId === undefined) return list(work, output, flags);
    if (flags.watch) await followRun(work, output, workflowId, flags);
    const view = await work.api.statusOf(work.session, workflowId);
    output.result(view, () => {
      const rows = view.stages.map((stage) => [
        stage.name,
        stage.state,
        stage.seconds === null ? '' : seconds(stage.seconds),
        `${stage.steps.done}/${stage.steps.total}`,
        String(stage.steps.cached),
        stage.detail,
      ]);
      const head = ['stage', 'state', 'time', 'steps', 'cached', ''];
      const waiting = view.waiting
        ? [`Waits for a decision on ${view.waiting.stage}:`, `  ${decisionCommand(view.waiting, flags)}`]
        : [];
      return [`${view.workflowId}: ${view.state}`, table(head, rows, [2, 3, 4]), ...waiting].join('\n');
    });
  });
}

async function list({ session, api }: Work, output: Output, flags: StatusFlags): Promise<void> {
  const { model } = flags;
  const runs = await api.listRuns(session, model ? { model } : {});
  output.result(runs, () => {
    if (runs.length === 0) return `No runs yet. Start one:\n  ${suggested('run', flags)}`;
    const rows = runs.map((run) => [
      run.workflowId,
      run.type,
      run.state,
      localTime(run.startedAt),
      run.stage ?? '',
      run.verdict ?? '',
    ]);
    return table(['workflow', 'type', 'state', 'started', 'stage', 'verdict'], rows);
  });
}
