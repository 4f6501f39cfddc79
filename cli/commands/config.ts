import type { Command } from 'commander';
import type { ProjectFlags } from '../flags.ts';
import { withProjectFlags } from '../flags.ts';
import { shownPath } from '../hints.ts';
import type { Output } from '../output.ts';
import { loadApi, projectOptions } from '../session.ts';
import { handle } from './command.ts';

export function addConfig(program: Command): void {
  const config = program.command('config').description('the configuration');
  const check = withProjectFlags(
    config.command('check').description('reads the configuration and says what is wrong with it'),
  );
  handle<ProjectFlags>(check, checkConfig);
}

async function checkConfig(flags: ProjectFlags, output: Output): Promise<undefined> {
  const api = await loadApi();
  const config = await api.loadConfig(projectOptions(flags));
  output.result({ status: 'ok', config }, () => `${shownPath(config.file)} is right`);
}
