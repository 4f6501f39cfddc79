import { type Command, InvalidArgumentError, Option } from 'commander';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { type LogFormat, logFormats } from '../../schemas/observe.ts';
import { type ExitCode, exitCodeOf } from '../exit-codes.ts';
import type { DeviceFlags, ProjectFlags } from '../flags.ts';
import { withDeviceFlag, withProjectFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { loadApi, projectOptions, withInterrupt, withSession } from '../session.ts';
import { handle } from './command.ts';

interface WorkerFlags extends ProjectFlags, DeviceFlags {
  logFormat?: LogFormat;
}

export function addWorker(program: Command): void {
  const command = withDeviceFlag(
    withProjectFlags(
      program
        .command('worker')
        .description('does the work of runs, schedules and drift watches until it is interrupted'),
    ),
  ).addOption(
    new Option(
      '--log-format <format>',
      'text: into worker.log of the state folder; json: a line each on stderr (default: observe.logs.format)',
    ).choices(logFormats),
  );
  handle<WorkerFlags>(command, worker);
  const deployed = withProjectFlags(
    command
      .command('deploy')
      .description(
        'says which version of "worker.deployment" new runs go to; endless workflows move there, too',
      )
      .option('--current', 'all new runs go there')
      .addOption(
        new Option('--ramp <percent>', 'this share of them goes there (default: none)').argParser(percentOf),
      )
      .option('--build-id <id>', 'the version (default: worker.deployment.buildId)'),
  );
  handle<DeployFlags>(deployed, deploy);
}

interface DeployFlags extends ProjectFlags {
  current?: boolean;
  ramp?: number;
  buildId?: string;
}

function percentOf(text: string): number {
  const percent = text.trim() === '' ? Number.NaN : Number(text);
  if (!(percent >= 0 && percent <= 100)) throw new InvalidArgumentError('expected a number from 0 to 100.');
  return percent;
}

async function deploy({ buildId, current, ramp, ...flags }: DeployFlags, output: Output): Promise<undefined> {
  if ((current === true) === (ramp !== undefined)) {
    throw new GuardError(ErrorCode.BadConfig, 'say either --current or --ramp <percent>');
  }
  const { loadConfig, versionIn } = await loadApi();
  versionIn(await loadConfig(projectOptions(flags)));
  await withSession(flags, output, false, async ({ api, session }) => {
    const percent = ramp ?? null;
    const routing = await api.deployVersion(session, { percent, ...(buildId ? { buildId } : {}) });
    output.result(routing, () => {
      const { current: now, deployment, ramping } = routing;
      const share = ramping ? `, build "${ramping.buildId}" gets ${ramping.percent} % of the new runs` : '';
      return `${deployment}: ${now === null ? 'no build is current' : `build "${now}" is current`}${share}`;
    });
  });
}

async function worker(flags: WorkerFlags, output: Output): Promise<ExitCode | undefined> {
  const api = await loadApi();
  const options = projectOptions(flags);
  const logFormat = flags.logFormat ?? (await api.loadConfig(options)).observe.logs.format;
  const json = logFormat === 'json';
  const print = (level: string, message: string, meta?: Record<string, unknown>) =>
    void process.stderr.write(`${api.jsonLine(level, message, meta)}\n`);
  const log = json ? (line: string) => print('INFO', line) : output.log;
  const work = (signal: AbortSignal) => api.runWorker({ ...options, logFormat, log, signal });
  try {
    await (json ? withInterrupt(work, undefined, log) : withInterrupt(work));
  } catch (error) {
    if (!json) throw error;
    // Nothing but JSON on stderr.
    print('ERROR', error instanceof Error ? error.message : String(error), {
      error,
      ...(error instanceof GuardError ? { code: error.code } : {}),
    });
    return exitCodeOf(error);
  }
  output.result({ status: 'stopped' }, () => 'The worker has stopped.');
  return undefined;
}
