import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import type { DiagnosisFlags, PolicyFlags, ProjectFlags, WorkFlags } from '../flags.ts';
import { withDiagnosisFlags, withProjectFlags, withWorkFlags } from '../flags.ts';
import { suggested } from '../hints.ts';
import type { Output } from '../output.ts';
import { runOptions } from '../run-options.ts';
import type { Work } from '../session.ts';
import { withSession } from '../session.ts';
import { localTime, table } from '../views/table.ts';
import { handle } from './command.ts';

interface CreateFlags extends WorkFlags, DiagnosisFlags, PolicyFlags {
  nightly: boolean;
  at?: { hour: number; minute: number };
  timezone?: string;
}

export function addSchedule(program: Command): void {
  const schedule = program.command('schedule').description('re-diagnosis of the champion at set times');
  const create = withDiagnosisFlags(
    withWorkFlags(
      schedule
        .command('create')
        .description('a schedule on the server; it needs a worker at its time ("modality-guard worker")')
        .requiredOption('--nightly', 'once every night')
        .addOption(
          new Option('--at <hh:mm>', 'time of day (default: nightly.hour, nightly.minute)').argParser(
            timeOfDay,
          ),
        )
        .option(
          '--policy <name>',
          'each night is a whole run under this rollout policy (default: a diagnosis, which changes nothing)',
        )
        .option('--timezone <name>', 'IANA time zone, such as Europe/Vienna (default: nightly.timezone)'),
    ),
  );
  handle<CreateFlags>(create, createSchedule);
  handle<ProjectFlags>(
    withProjectFlags(schedule.command('list').description('all schedules')),
    listSchedules,
  );
  addOne(schedule, 'delete', 'removes a schedule', 'deleted', ({ session, api }, id) =>
    api.deleteSchedule(session, id),
  );
  addOne(schedule, 'trigger', 'starts its run now', 'triggered', ({ session, api }, id) =>
    api.triggerSchedule(session, id),
  );
  addOne(schedule, 'pause', 'skips its runs until resumed', 'paused', ({ session, api }, id) =>
    api.setSchedulePaused(session, id, true, 'paused from the command line'),
  );
  addOne(schedule, 'resume', 'ends a pause', 'resumed', ({ session, api }, id) =>
    api.setSchedulePaused(session, id, false, 'resumed from the command line'),
  );
}

function addOne(
  parent: Command,
  name: string,
  description: string,
  done: string,
  act: (work: Work, id: string) => Promise<void>,
): void {
  const command = withProjectFlags(
    parent.command(name).description(description).argument('<schedule>', 'schedule id'),
  );
  handle<ProjectFlags>(command, async (flags, output, [id]) => {
    await withSession(flags, output, false, (work) => act(work, id as string));
    output.result({ status: done, scheduleId: id }, () => `${id} ${done}`);
    return undefined;
  });
}

async function createSchedule(flags: CreateFlags, output: Output): Promise<undefined> {
  const options = runOptions(flags);
  await withSession(flags, output, false, async ({ session, api }) => {
    const result = await api.createNightly(session, {
      ...options,
      ...flags.at,
      ...(flags.gate ? { gate: flags.gate } : {}),
      ...(flags.policy ? { policy: flags.policy } : {}),
      ...(flags.timezone ? { timezone: flags.timezone } : {}),
    });
    output.result(
      result,
      () =>
        `${result.scheduleId}, next ${result.nextRuns[0] ? localTime(result.nextRuns[0]) : 'run unknown'}`,
    );
  });
}

async function listSchedules(flags: ProjectFlags, output: Output): Promise<undefined> {
  await withSession(flags, output, false, async ({ session, api }) => {
    const schedules = await api.listSchedules(session);
    output.result(schedules, () => {
      if (schedules.length === 0)
        return `No schedules yet. One is made by:\n  ${suggested('schedule create --nightly', flags)}`;
      const rows = schedules.map((one) => [
        one.scheduleId,
        one.paused ? 'paused' : 'active',
        one.nextRuns[0] ? localTime(one.nextRuns[0]) : '',
        one.note,
      ]);
      return table(['schedule', 'state', 'next run', 'note'], rows);
    });
  });
}

function timeOfDay(text: string): { hour: number; minute: number } {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (!match) throw new InvalidArgumentError('expected a time such as 03:00.');
  return { hour: Number(match[1]), minute: Number(match[2]) };
}
