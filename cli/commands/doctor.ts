import type { Command } from 'commander';
import { groupedBy } from '../../diagnosis/index.ts';
import { stateFolder } from '../../schemas/config.ts';
import type { Check } from '../doctor/check.ts';
import { checkCuda } from '../doctor/cuda.ts';
import { checkData } from '../doctor/data.ts';
import { checkFallbacks } from '../doctor/fallbacks.ts';
import { checkMachine } from '../doctor/machine.ts';
import { checkNetwork } from '../doctor/network.ts';
import { checkProviders } from '../doctor/providers.ts';
import { checkRuntime } from '../doctor/runtime.ts';
import { checkUsers } from '../doctor/users.ts';
import { ExitCode } from '../exit-codes.ts';
import type { ProjectFlags } from '../flags.ts';
import { withProjectFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { width, wrapWhole } from '../views/text.ts';
import { handle } from './command.ts';

export function addDoctor(program: Command): void {
  const command = withProjectFlags(
    program
      .command('doctor')
      .description(
        'what is installed, which accelerators really compute, where a Temporal server comes from',
      ),
  );
  handle<ProjectFlags>(command, doctor);
}

async function doctor(flags: ProjectFlags, output: Output): Promise<ExitCode> {
  const groups = await Promise.all([
    checkRuntime(),
    checkProviders(),
    checkCuda(),
    checkFallbacks(flags),
    checkServer(),
    checkNetwork(),
    checkMachine(flags.stateDir ?? stateFolder),
    checkUsers(),
    checkData(flags),
  ]);
  const checks = groups.flat();
  const problems = checks.filter(({ ok, needed }) => needed && !ok);
  output.result({ status: problems.length === 0 ? 'ok' : 'problems', checks }, () => {
    const end = problems.length === 0 ? 'All that is needed is there.' : countText(problems.length);
    return [...checksText(checks), '', end].join('\n');
  });
  return problems.length === 0 ? ExitCode.Done : ExitCode.Failed;
}

const stateOf = ({ needed, ok }: Check) => (ok ? 'ok' : needed ? 'PROBLEM' : 'no');

/** The checks, group by group, in 80 columns; paths and commands in them stay whole. */
function checksText(checks: readonly Check[]): string[] {
  const widest = Math.max(...checks.map((check) => stateOf(check).length));
  return [...groupedBy(checks, ({ group }) => group)].flatMap(([group, ofGroup]) => [
    group,
    ...ofGroup.flatMap((check) => {
      const state = `  ${stateOf(check).padEnd(widest)}  `;
      const [first, ...others] = wrapWhole(`${check.name}: ${check.detail}`, width - state.length - 2);
      return [`${state}${first}`, ...others.map((line) => `${' '.repeat(state.length + 2)}${line}`)];
    }),
  ]);
}

function countText(count: number): string {
  return count === 1 ? '1 thing needs to be put right.' : `${count} things need to be put right.`;
}

/** One way to a server is enough; each is shown. */
async function checkServer(): Promise<Check[]> {
  const { inspectSources } = await import('../../worker/server/index.ts');
  const sources = await inspectSources();
  const any = sources.some(({ available }) => available);
  const checks = sources.map(
    ({ name, available, detail }): Check => ({ group: 'server', name, ok: available, needed: false, detail }),
  );
  const detail = any
    ? 'one of the above will be taken'
    : 'none of the above; only the download is left to try';
  return [...checks, { group: 'server', name: 'Temporal server', ok: any, needed: false, detail }];
}
