import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { GuardError } from '../schemas/errors.ts';
import { addAudit } from './commands/audit.ts';
import { addCancel } from './commands/cancel.ts';
import { addCompare } from './commands/compare.ts';
import { addConfig } from './commands/config.ts';
import { addDecisions } from './commands/decide.ts';
import { addDevice } from './commands/device.ts';
import { addDiagnose } from './commands/diagnose.ts';
import { addDoctor } from './commands/doctor.ts';
import { addDrift } from './commands/drift.ts';
import { addEstimate } from './commands/estimate.ts';
import { addExportData } from './commands/export-data.ts';
import { addIngest } from './commands/ingest.ts';
import { addInit } from './commands/init.ts';
import { addModels } from './commands/models.ts';
import { addPilot } from './commands/pilot.ts';
import { addReport } from './commands/report.ts';
import { addRun } from './commands/run.ts';
import { addScenarios } from './commands/scenarios.ts';
import { addSchedule } from './commands/schedule.ts';
import { addStatus } from './commands/status.ts';
import { addTrain } from './commands/train.ts';
import { addWorker } from './commands/worker.ts';
import { addExamples } from './examples.ts';
import { ExitCode, exitCodeOf } from './exit-codes.ts';
import { packageFile } from './package-root.ts';
import { endBySignals } from './parent.ts';
import { visible, width } from './views/text.ts';

/** Runs one command line (without `node` and the script) and sets process.exitCode. */
export async function main(argv: string[]): Promise<void> {
  endBySignals();
  // Whoever reads our output may have enough of it: `modality-guard report | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  try {
    await programOf().parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? ExitCode.Done : ExitCode.Usage;
      return;
    }
    report(error, argv.includes('--json'));
    process.exitCode = exitCodeOf(error);
  }
}

/** All commands with their flags. */
export function programOf(): Command {
  const program = new Command('modality-guard');
  const { version, description } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as Record<
    string,
    string
  >;
  program
    .description(description ?? '')
    .version(version ?? '')
    .exitOverride()
    .configureHelp({ helpWidth: width })
    .showHelpAfterError('(--help shows what there is)')
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 usage or configuration, 3 a gate or a person said no.',
    );
  const commands = [
    addRun,
    addInit,
    addIngest,
    addDiagnose,
    addCompare,
    addExportData,
    addTrain,
    addStatus,
    addDecisions,
    addCancel,
    addReport,
    addModels,
  ];
  for (const add of [
    ...commands,
    addPilot,
    addEstimate,
    addScenarios,
    addSchedule,
    addDrift,
    addAudit,
    addWorker,
    addDevice,
    addDoctor,
    addConfig,
  ])
    add(program);
  addExamples(program);
  return program;
}

/** A GuardError is for people; anything else is a defect of ours and shows where it comes from. */
function report(error: unknown, json: boolean): void {
  const known = error instanceof GuardError;
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    const code = known ? error.code : 'INTERNAL';
    process.stdout.write(`${JSON.stringify({ status: 'failed', error: { code, message } })}\n`);
  }
  const detail = known || !(error instanceof Error) ? message : (error.stack ?? message);
  process.stderr.write(`modality-guard: ${visible(detail)}\n`);
}
