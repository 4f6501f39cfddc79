import type { Command } from 'commander';
import type { DeviceFlags, ProjectFlags } from '../flags.ts';
import { withDeviceFlag, withProjectFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { loadApi, projectOptions, withInterrupt } from '../session.ts';
import { handle } from './command.ts';

export function addWorker(program: Command): void {
  const command = withDeviceFlag(
    withProjectFlags(
      program
        .command('worker')
        .description('does the work of runs, schedules and drift watches until it is interrupted'),
    ),
  );
  handle<ProjectFlags & DeviceFlags>(command, worker);
}

async function worker(flags: ProjectFlags & DeviceFlags, output: Output): Promise<undefined> {
  await withInterrupt(async (signal) => {
    const api = await loadApi();
    await api.runWorker({ ...projectOptions(flags), log: output.log, signal });
  });
  output.result({ status: 'stopped' }, () => 'The worker has stopped.');
}
