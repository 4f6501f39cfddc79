import type { Command } from 'commander';
import { type ProjectFlags, withProjectFlags } from '../flags.ts';
import { withSession } from '../session.ts';
import { handle } from './command.ts';

export function addCancel(program: Command): void {
  const command = withProjectFlags(
    program
      .command('cancel')
      .description(
        'asks a run to end: a rollout gives everything back to the champion, and what was computed is kept',
      )
      .argument('<workflow>', 'workflow id, as `status` lists it'),
  );
  handle<ProjectFlags>(command, async (flags, output, [workflowId]) => {
    await withSession(flags, output, false, async ({ session, api }) => {
      await api.cancelRun(session, workflowId as string);
      output.result({ workflowId, asked: 'cancel' }, () => `${workflowId} was asked to end`);
    });
  });
}
