import type { Command } from 'commander';
import type { RunReport } from '../../schemas/report.ts';
import { ExitCode } from '../exit-codes.ts';
import type { MixFlags, PolicyFlags, ProjectFlags, ScenarioFlags, WorkFlags } from '../flags.ts';
import { withDeviceFlag, withMixFlag, withPolicyFlag, withScenarioFlags, withWorkFlags } from '../flags.ts';
import { followRun } from '../follow.ts';
import { quoted, shownPath, suggested } from '../hints.ts';
import type { Output } from '../output.ts';
import { runOptions } from '../run-options.ts';
import type { Work } from '../session.ts';
import { lookedFor, withSession } from '../session.ts';
import { reportText } from '../views/report.ts';
import { commandLine } from '../views/text.ts';
import { handle } from './command.ts';

interface RunFlags extends WorkFlags, PolicyFlags, ScenarioFlags, MixFlags {
  pilot?: boolean;
  detach?: boolean;
}

export function addRun(program: Command): void {
  const command = withDeviceFlag(
    withWorkFlags(
      withPolicyFlag(
        program
          .command('run')
          .description('the whole pipeline: ingest, diagnose, augment, train, evaluate, staged rollout'),
        'rollout policy: who and what must agree',
      )
        .option('--pilot', 'short trainings and a gate before the real one')
        .option('--detach', 'only start it; a worker elsewhere does the work'),
    ),
  );
  handle<RunFlags>(withMixFlag(withScenarioFlags(command)), run);
}

async function run(flags: RunFlags, output: Output): Promise<ExitCode | undefined> {
  const options = {
    ...runOptions(flags),
    ...(flags.policy ? { policy: flags.policy } : {}),
    ...(flags.pilot ? { pilot: true } : {}),
    // A detached run is decided by "approve" and "reject".
    ...(output.interactive || flags.detach ? {} : { unattended: true }),
  };
  const checked = await lookedFor('run', flags, options, output);
  return withSession(flags, output, !flags.detach, async (work) => {
    const { session, api } = work;
    const started = await api.startRobustify(session, checked);
    const { workflowId, runId } = started;
    output.log(`${started.joined ? 'Joined the running' : 'Started'} ${workflowId}`);
    if (flags.detach) return detached(output, { workflowId, runId, store: session.storeDir }, flags);
    await followRun(work, output, workflowId, flags);
    return finish(work, output, workflowId, flags);
  });
}

function detached(
  output: Output,
  { runId, store, workflowId }: Record<'runId' | 'store' | 'workflowId', string>,
  flags: ProjectFlags,
): undefined {
  output.result(
    { status: 'started', workflowId, runId, report: null, store },
    () => `${workflowId}\nA worker does the work:\n  ${suggested('worker', flags)}`,
  );
}

async function finish(
  work: Work,
  output: Output,
  workflowId: string,
  flags: ProjectFlags,
): Promise<ExitCode> {
  const result = await work.api.robustifyResult(work.session, workflowId);
  const { outcome, reason, files, store, runId, report } = result;
  const shown = { html: shownPath(files.html), json: shownPath(files.json) };
  const rules = report.repair?.rules.after.verdict ?? null;
  output.result(
    { status: 'completed', outcome, reason, rules, workflowId, runId, report: files, store },
    () => `${reportText(report, shown, output.colorOut)}\n\n${nextCommands(report, shown, flags)}`,
  );
  return outcome === 'promoted' ? ExitCode.Done : ExitCode.GateSaidNo;
}

function nextCommands(
  { pilot, rollout: { policy }, seed, workflowId }: RunReport,
  { html }: { html: string },
  flags: ProjectFlags,
): string {
  const commands: [string, string][] = [
    [
      `${process.platform === 'darwin' ? 'open' : 'xdg-open'} ${quoted(html)}`,
      'the report with charts and samples',
    ],
    [
      suggested(`run --policy ${policy} --seed ${seed + 1}`, flags),
      'the same with another seed; unchanged steps come from the cache',
    ],
    [suggested('run --policy standard', flags), 'with approvals by a person'],
    [
      suggested('models export champion --out my-model', flags),
      'the model in service in the Hugging Face ONNX layout',
    ],
    [
      suggested(`audit export ${workflowId} --out my-audit`, flags),
      'history, manifests and digests for an auditor',
    ],
    [suggested('doctor', flags), 'what is installed and which accelerators work'],
  ];
  if (pilot) {
    const files = `--diagnosis ${workflowId} --pilot ${workflowId} --prices <file>`;
    const what = 'what interference costs, and what its repair takes and brings';
    commands.splice(1, 0, [suggested(`estimate ${files}`, { stateDir: flags.stateDir }), what]);
  }
  return [
    'Try next:',
    ...commands.map(([command, why]) => `  ${why}\n${commandLine(`    ${command}`)}`),
  ].join('\n');
}
