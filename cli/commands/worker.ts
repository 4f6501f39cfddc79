import type { Command } from 'commander';
import type { ProjectFlags } from '../flags.ts';
import { withProjectFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { loadApi, projectOptions, withInterrupt } from '../session.ts';
import { handle } from './command.ts';

export function addWorker(program: Command): void {
  const command = withProjectFlags(
    program
      .command('worker')
      .description('does the work of runs, schedules and drift watches until it is interrupted'),
  );
  handle<ProjectFlags>(command, worker);
}

async function worker(flags: ProjectFlags, output: Output): Promise<undefined> {
  await withInterrupt(async (signal) => {
    const api = await loadApi();
    await api.runWorker({ ...projectOptions(flags), log: output.log, signal });
  });
  output.result({ status: 'stopped' }, () => 'The worker has stopped.');
}
