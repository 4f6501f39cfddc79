import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { stateFolder } from '../../schemas/config.ts';
import { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { RunReport } from '../../schemas/report.ts';
import { ArtifactStore, checkReport } from '../../store/index.ts';
import { ExitCode } from '../exit-codes.ts';
import { filesOfRuns, findFile, reportFile } from '../find-report.ts';
import type { ProjectFlags } from '../flags.ts';
import { withProjectFlags } from '../flags.ts';
import { shownPath, suggested } from '../hints.ts';
import type { Output } from '../output.ts';
import { readJson } from '../read-json.ts';
import { diagnosisText } from '../views/diagnosis.ts';
import { reportText } from '../views/report.ts';
import { handle } from './command.ts';

interface Found {
  report: RunReport | DiagnosisReport;
  files: { html: string; json: string };
  /** As it stands in the file, with what the schema may not know. */
  written: { workflowId: string; runId: string };
}

const AnyReport = z.union([RunReport, DiagnosisReport]);

export function addReport(program: Command): void {
  const command = withProjectFlags(
    program
      .command('report')
      .description('the newest report of this project, or that of a run or a night (no server needed)')
      .argument('[report]', 'a workflow id, a folder of diagnose --out, or a report.json'),
  );
  handle<ProjectFlags>(command, showReport);
}

async function showReport(flags: ProjectFlags, output: Output, [what]: string[]): Promise<ExitCode> {
  const found = what === undefined ? await newestIn(flags) : await reportOf(what, flags.stateDir);
  const { report, files } = found;
  const check = await checked(found, join(resolve(flags.stateDir ?? stateFolder), 'store'));
  const { runId, workflowId: id } = report;
  const end = 'rollout' in report ? { outcome: report.rollout.outcome } : { verdict: report.verdict };
  const shown = { html: shownPath(files.html), json: shownPath(files.json) };
  output.result({ workflowId: id, runId, report: files, ...end, check }, () => {
    const text =
      'rollout' in report
        ? reportText(report, shown, output.colorOut)
        : `${diagnosisText(report)}\nReport ${shown.html}`;
    return check.state === 'same' ? text : `${check.message}\n\n${text}`;
  });
  return check.state === 'changed' ? ExitCode.Failed : ExitCode.Done;
}

/** Whether the file is what the run put into the store. */
async function checked({ files: { json }, written }: Found, storeDir: string) {
  const unknown = (why: string) => ({
    state: 'unknown' as const,
    message: `NOT CHECKED: nothing proves that ${json} is what the run wrote: ${why}.`,
  });
  if (!existsSync(storeDir)) return unknown(`there is no store in ${storeDir}`);
  const { digest, recorded, state } = await checkReport(await ArtifactStore.open(storeDir), written);
  if (state === 'unknown') return unknown(`the store in ${storeDir} does not know this run`);
  if (state === 'same') return { state, message: `as the run wrote it, ${digest}` };
  const message =
    `CHANGED: ${json} is not what the run wrote. Its content has the digest ${digest}, the run's report in the store ` +
    `${recorded}: do not rely on these figures.`;
  return { state, message };
}

async function newestIn(flags: ProjectFlags): Promise<Found> {
  const all = await findReports(flags.stateDir);
  const [newest] = all.sort((a, b) => b.report.createdAt.localeCompare(a.report.createdAt));
  if (newest) return newest;
  throw new GuardError(
    ErrorCode.BadInput,
    `No report in ${join(resolve(flags.stateDir ?? stateFolder), 'runs')}. "${suggested('run', flags)}" makes one.`,
  );
}

async function findReports(stateDir?: string): Promise<Found[]> {
  return (await filesOfRuns(stateDir)).flatMap(({ path, value }) => foundIn(path, value) ?? []);
}

/** Null: the file is something else. */
function foundIn(json: string, value: unknown): Found | null {
  const { data } = AnyReport.safeParse(value);
  if (!data) return null;
  const written = value as Found['written'];
  return { report: data, written, files: { html: json.replace(/\.json$/, '.html'), json } };
}

/** @throws GuardError BadInput where there is none, or where it is something else */
async function reportOf(what: string, stateDir?: string): Promise<Found> {
  const path = await findFile(what, reportFile, stateDir);
  const found = foundIn(path, await readJson(path));
  if (found) return found;
  throw new GuardError(ErrorCode.BadInput, `${path}: is not a report of a diagnosis or of a run`);
}
