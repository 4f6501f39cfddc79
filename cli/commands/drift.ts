import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { DriftMeasure } from '../../schemas/drift.ts';
import type { ModelFlags, PolicyFlags, WorkFlags } from '../flags.ts';
import { amount, positive, share, withPolicyFlag, withProjectFlags, withWorkFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { runOptions } from '../run-options.ts';
import type { Work } from '../session.ts';
import { withSession } from '../session.ts';
import { localTime, percent, table } from '../views/table.ts';
import { handle } from './command.ts';

const pollMs = 2_000;

interface WatchFlags extends WorkFlags, PolicyFlags {
  logs: string;
  poll?: number;
  coolDown?: number;
  changeRate?: number;
  psi?: number;
  minRequests?: number;
  detach?: boolean;
}

export function addDrift(program: Command): void {
  const drift = program
    .command('drift')
    .description('watches request logs and starts a run when behaviour drifts');
  const watch = withWorkFlags(
    withPolicyFlag(
      drift
        .command('watch')
        .description('reads request logs as they come, and does the work until it is interrupted'),
      'rollout policy of the runs that alarms start',
    )
      .requiredOption('--logs <folder>', 'Parquet files of requests; read in the order of their names')
      .addOption(
        new Option('--poll <seconds>', 'how often to look (default: drift.pollSeconds)').argParser(amount),
      )
      .addOption(
        new Option(
          '--cool-down <seconds>',
          'at most one run in this time (default: drift.coolDownSeconds)',
        ).argParser(amount),
      )
      .addOption(
        new Option(
          '--change-rate <share>',
          'alarm above this share of changed answers (default: drift.changeRate)',
        ).argParser(share),
      )
      .addOption(
        new Option(
          '--psi <number>',
          'alarm above this population stability index (default: drift.psi)',
        ).argParser(amount),
      )
      .addOption(
        new Option(
          '--min-requests <number>',
          'measure from this many requests on (default: drift.minRequests)',
        ).argParser(positive),
      )
      .option('--detach', 'only start it; a worker elsewhere does the work'),
  );
  handle<WatchFlags>(watch, watchLogs);
  for (const [name, description, handler] of [
    ['status', 'what the watch has measured', showStatus],
    ['stop', 'ends the watch', stop],
  ] as const) {
    const command = withProjectFlags(
      drift
        .command(name)
        .description(description)
        .option('--model <name>', 'the model (default: the configured one)'),
    );
    handle<ModelFlags>(command, handler);
  }
}

async function watchLogs(flags: WatchFlags, output: Output): Promise<undefined> {
  const options = {
    ...runOptions(flags),
    ...(flags.policy ? { policy: flags.policy } : {}),
    logs: resolve(flags.logs),
    ...(flags.poll === undefined ? {} : { pollSeconds: flags.poll }),
    ...(flags.coolDown === undefined ? {} : { coolDownSeconds: flags.coolDown }),
    ...(flags.changeRate === undefined ? {} : { changeRate: flags.changeRate }),
    ...(flags.psi === undefined ? {} : { psi: flags.psi }),
    ...(flags.minRequests === undefined ? {} : { minRequests: flags.minRequests }),
  };
  await withSession(flags, output, !flags.detach, async (work) => {
    const started = await work.api.watchDrift(work.session, options);
    output.result(started, () => `${started.joined ? 'Joined' : 'Started'} ${started.workflowId}`);
    if (!flags.detach) await printMeasures(work, output, started.model);
  });
}

/** Until the interrupt: each new measure as a line. The watch itself stays on the server. */
async function printMeasures({ session, api, signal }: Work, output: Output, model: string): Promise<void> {
  let last = '';
  while (!signal.aborted) {
    const { measures, stopped } = await api.driftStatus(session, model);
    for (const measure of measures.filter(({ at }) => at > last)) {
      output.log(measureText(measure));
      last = measure.at;
    }
    if (stopped) return;
    await sleep(pollMs, undefined, { signal }).catch(() => {});
  }
}

function measureText(measure: DriftMeasure): string {
  const psi = Object.entries(measure.psi).map(([feature, value]) => `${feature} ${value.toFixed(3)}`);
  const alarm = measure.alarm ? `  ALARM ${measure.alarm}${consequence(measure)}` : '';
  return `${localTime(measure.at)}  ${measure.requests} requests, changed ${percent(measure.changeRate)}, PSI ${psi.join(', ')}${alarm}`;
}

/** What followed from an alarm. */
function consequence({ rollout, started }: DriftMeasure): string {
  if (started) return `, started ${started}`;
  return rollout ? `, nothing started: ${rollout} leads a challenger` : '';
}

async function showStatus(flags: ModelFlags, output: Output): Promise<undefined> {
  await withSession(flags, output, 'workflows', async ({ session, api }) => {
    const status = await api.driftStatus(session, flags.model ?? session.config.model.name);
    output.result(status, () => {
      const rows = status.measures.map((one) => [
        localTime(one.at),
        String(one.requests),
        percent(one.changeRate),
        Object.values(one.psi).length === 0 ? '' : Math.max(...Object.values(one.psi)).toFixed(3),
        one.alarm ?? '',
        one.started ?? '',
      ]);
      const head = ['at', 'requests', 'changed', 'largest PSI', 'alarm', 'started'];
      return [
        `${status.logs}, ${status.polls} looks${status.stopped ? ', stopped' : ''}`,
        table(head, rows, [1, 2, 3]),
      ].join('\n');
    });
  });
}

async function stop(flags: ModelFlags, output: Output): Promise<undefined> {
  await withSession(flags, output, 'workflows', async ({ session, api }) => {
    const model = flags.model ?? session.config.model.name;
    await api.stopDrift(session, model);
    output.result({ status: 'stopped', model }, () => `The watch of ${model} has stopped.`);
  });
}
