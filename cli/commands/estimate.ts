import { existsSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { estimate, findingsOf, trackRecord } from '../../diagnosis/index.ts';
import { readSettings } from '../../ingest/index.ts';
import { stateFolder } from '../../schemas/config.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { Pilot, Prices } from '../../schemas/estimate.ts';
import { type Task, TaskFile } from '../../schemas/task.ts';
import { readScores, writeAtomically } from '../../store/index.ts';
import { ExitCode } from '../exit-codes.ts';
import { findFile, pilotFile, reportFile } from '../find-report.ts';
import { type CommonFlags, positive, withCommonFlags } from '../flags.ts';
import { shownPath } from '../hints.ts';
import type { Output } from '../output.ts';
import { readJson, readJsonOf } from '../read-json.ts';
import { estimateText } from '../views/estimate.ts';
import { estimatePage } from '../views/estimate-page.ts';
import { handle } from './command.ts';

interface EstimateFlags extends CommonFlags {
  diagnosis: string;
  prices: string;
  task?: string;
  pilot?: string;
  steps?: number;
  gate?: boolean;
  stateDir?: string;
  out?: string;
}

export function addEstimate(program: Command): void {
  const command = withCommonFlags(
    program
      .command('estimate')
      .description('what interference costs, what its repair takes and brings: go, pilot more or no-go')
      .requiredOption(
        '--diagnosis <diagnosis>',
        "a folder of diagnose --out, a report.json, what diagnose --json printed, or a workflow id; a run's, too",
      )
      .requiredOption('--prices <file>', 'prices file (YAML): errors, people, devices, horizon')
      .option('--task <file>', 'task file (YAML; default: the tasks of the prices file)')
      .option(
        '--pilot <pilot>',
        'learning curves of this model: pilot.json, its folder, or the id of a pilot or a run (default: none)',
      )
      .option('--steps <number>', 'training steps (default: those with the best return)', positive)
      .option('--gate', 'exit with 3 unless the answer is go')
      .option('--out <file>', 'write it as a page (HTML) that stands alone (default: none)')
      .option(
        '--state-dir <folder>',
        'where the record of earlier predictions lies (default: .modality-guard)',
      ),
  );
  handle<EstimateFlags>(command, runEstimate);
}

async function tasksOf(flags: EstimateFlags, prices: Prices): Promise<Task[]> {
  const tasks = flags.task === undefined ? prices.tasks : (await readSettings(flags.task, TaskFile)).tasks;
  if (tasks.length > 0) return tasks;
  throw new GuardError(
    ErrorCode.BadConfig,
    `${flags.prices}: "tasks" is empty, and there is no --task <file>: say which decisions are made and what an error costs`,
  );
}

/** @throws GuardError BadInput for a name that no page can have */
function checkPage(out: string): void {
  if (/\.html?$/i.test(out) && !(existsSync(out) && statSync(out).isDirectory())) return;
  throw new GuardError(
    ErrorCode.BadInput,
    `--out ${out}: expected the name of a page, such as estimate.html`,
  );
}

async function writePage(out: string, html: string): Promise<string> {
  const path = resolve(out);
  await mkdir(dirname(path), { recursive: true });
  await writeAtomically(path, (write) => write(Buffer.from(html)));
  return path;
}

async function runEstimate(flags: EstimateFlags, output: Output): Promise<ExitCode> {
  if (flags.out !== undefined) checkPage(flags.out);
  const prices = await readSettings(flags.prices, Prices);
  const tasks = await tasksOf(flags, prices);
  const diagnosis = await findFile(flags.diagnosis, reportFile, flags.stateDir);
  const curves = flags.pilot === undefined ? null : await findFile(flags.pilot, pilotFile, flags.stateDir);
  const findings = findingsOf(await readJson(diagnosis), flags.diagnosis);
  const pilot = curves === null ? null : await readJsonOf(curves, Pilot, 'pilot');
  const earlier = await readScores(resolve(flags.stateDir ?? stateFolder));
  const { steps } = flags;
  const found = estimate({ findings, prices, tasks, pilot, steps, trackRecord: trackRecord(earlier) });
  const inputs = { diagnosis, pilot: curves, steps: steps ?? null, prices, tasks };
  const page = flags.out && (await writePage(flags.out, estimatePage(found, inputs)));
  output.result({ ...found, inputs, ...(page ? { page } : {}) }, () =>
    [estimateText(found, output), ...(page ? [`Page ${shownPath(page)}`] : [])].join('\n'),
  );
  return flags.gate && found.verdict !== 'go' ? ExitCode.GateSaidNo : ExitCode.Done;
}
