import type { Command } from 'commander';
import type { ProjectFlags } from '../flags.ts';
import { withProjectFlags } from '../flags.ts';
import { personOf } from '../gate-prompt.ts';
import type { Output } from '../output.ts';
import { withSession } from '../session.ts';
import { handle } from './command.ts';

interface DecideFlags extends ProjectFlags {
  model?: string;
  stage?: string;
  by?: string;
  comment?: string;
}

const decisions = {
  approve: 'the training begins, or the challenger goes on',
  reject: 'nothing is trained, or the champion comes back',
} as const;

export function addDecisions(program: Command): void {
  for (const [decision, effect] of Object.entries(decisions)) {
    const command = withProjectFlags(
      program
        .command(decision)
        .description(`answers a gate that waits: ${effect}`)
        .argument('[workflow]', 'id of the run (default: the only one that waits)')
        .option('--model <name>', 'the model whose rollout waits (default: any)')
        .option('--stage <name>', 'refuse unless this stage waits (default: any)')
        .option('--by <name>', 'who decides (default: the login name)')
        .option(
          '--comment <text>',
          'why; kept in the record (default: none; without a reason it is refused)',
        ),
    );
    handle<DecideFlags>(command, (flags, output, [workflowId]) =>
      decide(flags, output, decision as keyof typeof decisions, workflowId),
    );
  }
}

async function decide(
  flags: DecideFlags,
  output: Output,
  decision: keyof typeof decisions,
  workflowId: string | undefined,
): Promise<undefined> {
  const by = personOf(flags.by);
  await withSession(flags, output, false, async ({ session, api }) => {
    const record = await api.decide(session, {
      ...(workflowId === undefined ? {} : { workflowId }),
      ...(flags.model ? { model: flags.model } : {}),
      ...(flags.stage ? { stage: flags.stage } : {}),
      decision,
      by,
      comment: flags.comment ?? '',
    });
    output.result(
      record,
      () => `${record.decision} recorded for stage ${record.stage} of ${record.workflowId}, by ${record.by}`,
    );
  });
}
