import { type Command, Option } from 'commander';
import { GuardError } from '../../schemas/errors.ts';
import { type LogFormat, logFormats } from '../../schemas/observe.ts';
import { type ExitCode, exitCodeOf } from '../exit-codes.ts';
import type { DeviceFlags, ProjectFlags } from '../flags.ts';
import { withDeviceFlag, withProjectFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { loadApi, projectOptions, withInterrupt } from '../session.ts';
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
