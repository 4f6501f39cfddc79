import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { packSetOf, readSettings } from '../../ingest/index.ts';
import { GateFile } from '../../schemas/gate.ts';
import { ExitCode } from '../exit-codes.ts';
import type { DiagnosisFlags, PolicyFlags, ProjectFlags, WorkFlags } from '../flags.ts';
import { withDiagnosisFlags, withProjectFlags, withWorkFlags } from '../flags.ts';
import { suggested } from '../hints.ts';
import type { Output } from '../output.ts';
import { runOptions } from '../run-options.ts';
import type { Work } from '../session.ts';
import { lookedFor, withSession } from '../session.ts';
import { nextText, scheduleText, triggerText } from '../views/schedule.ts';
import { localTime, table } from '../views/table.ts';
import { handle } from './command.ts';

interface NightFlags extends WorkFlags, DiagnosisFlags, PolicyFlags {
  at?: { hour: number; minute: number };
  timezone?: string;
  pauseOnFailure?: boolean;
}
interface CreateFlags extends NightFlags {
  nightly: boolean;
  name?: string;
}
interface UpdateFlags extends NightFlags {
  anew?: boolean;
}
interface BackfillFlags extends ProjectFlags {
  from: Date;
  to?: Date;
}

/** Flags of what a night is and when it comes. `otherwise`: what holds without the flag. */
function withNightFlags(command: Command, otherwise: Record<'at' | 'timezone' | 'policy' | 'pause', string>) {
  return withDiagnosisFlags(withWorkFlags(command))
    .addOption(new Option('--at <hh:mm>', `time of day (default: ${otherwise.at})`).argParser(timeOfDay))
    .option('--timezone <name>', `IANA time zone, such as Europe/Vienna (default: ${otherwise.timezone})`)
    .option(
      '--policy <name>',
      `each night is a whole run under this rollout policy (default: ${otherwise.policy})`,
    )
    .option('--pause-on-failure', `a night that fails pauses the schedule (default: ${otherwise.pause})`)
    .option('--no-pause-on-failure', 'after a night that fails the next one comes');
}

export function addSchedule(program: Command): void {
  const schedule = program.command('schedule').description('re-diagnosis of the champion at set times');
  const create = withNightFlags(
    schedule
      .command('create')
      .description('a schedule on the server; it needs a worker at its time ("modality-guard worker")')
      .requiredOption('--nightly', 'once every night')
      .option('--name <name>', 'tells several schedules of one model apart (default: none)'),
    {
      at: 'nightly.hour, nightly.minute',
      timezone: 'nightly.timezone',
      policy: 'a diagnosis, which changes nothing',
      pause: 'the next one comes',
    },
  );
  handle<CreateFlags>(create, createSchedule);
  const update = withNightFlags(
    schedule
      .command('update')
      .description('changes when a schedule comes and what it does; what is not named stays')
      .argument('<schedule>', 'schedule id')
      .option(
        '--anew',
        'reads configuration, rules and tasks again, as every flag does that changes what a night does',
      ),
    { at: 'as it is', timezone: 'as it is', policy: 'as it is', pause: 'as it is' },
  );
  handle<UpdateFlags>(update, updateSchedule);
  const describe = schedule
    .command('describe')
    .description('what a schedule does, when it comes, and what came of its nights')
    .argument('<schedule>', 'schedule id');
  handle<ProjectFlags>(withProjectFlags(describe), describeSchedule);
  const backfill = schedule
    .command('backfill')
    .description('runs the nights of a time that is over, one after the other, on the champion of now')
    .argument('<schedule>', 'schedule id')
    .addOption(
      new Option('--from <time>', 'ISO 8601; a day begins at its midnight here')
        .argParser(time)
        .makeOptionMandatory(),
    )
    .addOption(new Option('--to <time>', 'the same (default: now)').argParser(time));
  handle<BackfillFlags>(withProjectFlags(backfill), backfillSchedule);
  handle<ProjectFlags>(
    withProjectFlags(schedule.command('list').description('all schedules')),
    listSchedules,
  );
  addOne(schedule, 'delete', 'removes a schedule', 'deleted', ({ session, api }, id) =>
    api.deleteSchedule(session, id),
  );
  const trigger = schedule
    .command('trigger')
    .description('starts its run now, unless one is still at work')
    .argument('<schedule>', 'schedule id');
  handle<ProjectFlags>(withProjectFlags(trigger), triggerSchedule);
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
  const options = {
    ...runOptions(flags),
    ...nightOptions(flags),
    ...(flags.name === undefined ? {} : { name: flags.name }),
  };
  const checked = await lookedFor('nightly', flags, options, output);
  await withSession(flags, output, false, async ({ session, api }) => {
    const result = await api.createNightly(session, checked);
    output.result(result, () => `${result.scheduleId}, ${nextText(result.nextRuns)}`);
  });
}

async function updateSchedule(flags: UpdateFlags, output: Output, [id]: string[]): Promise<undefined> {
  const options = { ...runOptions(flags), ...nightOptions(flags), ...(flags.anew ? { anew: true } : {}) };
  // The rest is held against the schedule's own model and samples, which the server knows.
  if (flags.gate !== undefined) await readSettings(flags.gate, GateFile);
  await packSetOf({}, { folder: '.', scenarios: flags.scenarios, tasks: flags.task });
  await withSession(flags, output, false, async ({ session, api }) => {
    const result = await api.updateNightly(session, id as string, options);
    output.result(result, () => {
      const read = result.anew ? ', its files were read again' : '';
      return `${result.scheduleId} updated${read}, ${nextText(result.nextRuns)}`;
    });
  });
}

function nightOptions({ at, gate, pauseOnFailure, policy, timezone }: NightFlags) {
  return {
    ...at,
    ...(gate ? { gate } : {}),
    ...(policy ? { policy } : {}),
    ...(timezone ? { timezone } : {}),
    ...(pauseOnFailure === undefined ? {} : { pauseOnFailure }),
  };
}

async function describeSchedule(flags: ProjectFlags, output: Output, [id]: string[]): Promise<undefined> {
  await withSession(flags, output, false, async ({ session, api }) => {
    const found = await api.describeSchedule(session, id as string);
    output.result(found, () => scheduleText(found));
  });
}

async function triggerSchedule(
  flags: ProjectFlags,
  output: Output,
  [id]: string[],
): Promise<ExitCode | undefined> {
  const result = await withSession(flags, output, false, ({ session, api }) =>
    api.triggerSchedule(session, id as string),
  );
  const { outcome } = result;
  output.result({ status: outcome, scheduleId: id, workflowIds: result.workflowIds }, () =>
    triggerText(id as string, result),
  );
  return outcome === 'skipped' ? ExitCode.Failed : undefined;
}

async function backfillSchedule(flags: BackfillFlags, output: Output, [id]: string[]): Promise<undefined> {
  await withSession(flags, output, false, async ({ session, api }) => {
    const { nights } = await api.backfillSchedule(session, id as string, {
      from: flags.from,
      to: flags.to ?? new Date(),
    });
    output.result({ scheduleId: id, nights }, () =>
      nights === 0 ? `${id}: no night lies in that time` : `${id}: ${nights} nights, one after the other`,
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

function time(text: string): Date {
  const date = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text);
  if (!/^\d{4}-\d\d-\d\d/.test(text) || Number.isNaN(date.getTime()))
    throw new InvalidArgumentError('expected a time such as 2026-11-28 or 2026-11-28T03:00.');
  return date;
}

function timeOfDay(text: string): { hour: number; minute: number } {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (!match) throw new InvalidArgumentError('expected a time such as 03:00.');
  return { hour: Number(match[1]), minute: Number(match[2]) };
}
