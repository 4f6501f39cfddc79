import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import type { DriftLimits } from '../../schemas/config.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { ModelFlags, PolicyFlags, WorkFlags } from '../flags.ts';
import { amount, positive, share, withPolicyFlag, withProjectFlags, withWorkFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { runOptions } from '../run-options.ts';
import type { Work } from '../session.ts';
import { lookedFor, withSession } from '../session.ts';
import { limitsText, measureText, newsOf, watchText } from '../views/drift.ts';
import { handle } from './command.ts';

const pollMs = 2_000;

interface LimitFlags {
  poll?: number;
  coolDown?: number;
  changeRate?: number;
  psi?: number;
  minRequests?: number;
}

interface WatchFlags extends WorkFlags, PolicyFlags, LimitFlags {
  logs: string;
  detach?: boolean;
}

/** `otherwise`: what holds without the flag. */
function withLimitFlags(command: Command, otherwise: (key: string) => string): Command {
  const flag = (flags: string, key: string, what: string, parse: (text: string) => number) =>
    command.addOption(new Option(flags, `${what} (default: ${otherwise(key)})`).argParser(parse));
  flag('--poll <seconds>', 'pollSeconds', 'how often to look', amount);
  flag('--cool-down <seconds>', 'coolDownSeconds', 'at most one run in this time', amount);
  flag('--change-rate <share>', 'changeRate', 'alarm above this share of changed answers', share);
  flag('--psi <number>', 'psi', 'alarm above this population stability index', amount);
  flag('--min-requests <number>', 'minRequests', 'measure from this many requests on', positive);
  return command;
}

function limitsOf(flags: LimitFlags): Partial<DriftLimits> {
  const { changeRate, coolDown, minRequests, poll, psi } = flags;
  const limits = { pollSeconds: poll, coolDownSeconds: coolDown, changeRate, psi, minRequests };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

export function addDrift(program: Command): void {
  const drift = program
    .command('drift')
    .description('watches request logs and starts a run when behaviour drifts');
  const watch = withLimitFlags(
    withWorkFlags(
      withPolicyFlag(
        drift
          .command('watch')
          .description('reads request logs as they come, and does the work until it is interrupted'),
        'rollout policy of the runs that alarms start',
      ).requiredOption('--logs <folder>', 'Parquet files of requests; read in the order of their arrival'),
    ),
    (key) => `drift.${key}`,
  ).option('--detach', 'only start it; a worker elsewhere does the work');
  handle<WatchFlags>(watch, watchLogs);
  const set = drift.command('set').description('changes limits of the watch while it runs');
  handle<ModelFlags & LimitFlags>(withModel(withLimitFlags(set, () => 'as it is')), setLimits);
  for (const [name, description, handler] of [
    ['status', 'whether the watch is at work, and what it has measured', showStatus],
    ['stop', 'ends the watch', stop],
  ] as const) {
    handle<ModelFlags>(withModel(drift.command(name).description(description)), handler);
  }
}

function withModel(command: Command): Command {
  return withProjectFlags(command.option('--model <name>', 'the model (default: the configured one)'));
}

async function watchLogs(flags: WatchFlags, output: Output): Promise<undefined> {
  const options = {
    ...runOptions(flags),
    ...(flags.policy ? { policy: flags.policy } : {}),
    logs: resolve(flags.logs),
    ...limitsOf(flags),
  };
  const checked = await lookedFor('drift', flags, options, output);
  await withSession(flags, output, !flags.detach, async (work) => {
    const started = await work.api.watchDrift(work.session, checked);
    output.result(started, () => `${started.joined ? 'Joined' : 'Started'} ${started.workflowId}`);
    if (!flags.detach) await printNews(work, output, started.model);
  });
}

/** Until the interrupt: each new measure, and each new trouble, as a line. The watch itself stays on the server. */
async function printNews({ session, api, signal }: Work, output: Output, model: string): Promise<void> {
  let last = '';
  const told = new Set<string>();
  while (!signal.aborted) {
    const view = await api.driftStatus(session, model);
    for (const measure of view.measures.filter(({ at }) => at > last)) {
      output.log(measureText(measure));
      last = measure.at;
    }
    for (const line of newsOf(view).filter((one) => !told.has(one))) {
      told.add(line);
      output.log(line);
    }
    if (view.endedAt !== null) {
      if (view.state === 'completed') return;
      throw new GuardError(ErrorCode.Cancelled, `the watch has ended (${view.state}): ${view.reason}`);
    }
    await sleep(pollMs, undefined, { signal }).catch(() => {});
  }
}

async function setLimits(flags: ModelFlags & LimitFlags, output: Output): Promise<undefined> {
  await withSession(flags, output, false, async ({ session, api }) => {
    const model = flags.model ?? session.config.model.name;
    const limits = await api.setDriftLimits(session, model, limitsOf(flags));
    output.result({ model, limits }, () => `The watch of ${model}: ${limitsText(limits)}`);
  });
}

async function showStatus(flags: ModelFlags, output: Output): Promise<undefined> {
  await withSession(flags, output, false, async ({ session, api }) => {
    const view = await api.driftStatus(session, flags.model ?? session.config.model.name);
    output.result(view, () => watchText(view));
  });
}

async function stop(flags: ModelFlags, output: Output): Promise<undefined> {
  await withSession(flags, output, false, async ({ session, api }) => {
    const model = flags.model ?? session.config.model.name;
    await api.stopDrift(session, model);
    output.result({ status: 'stopped', model }, () => `The watch of ${model} has stopped.`);
  });
}
