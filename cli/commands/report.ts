import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { stateFolder } from '../../schemas/config.ts';
import { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { RunReport } from '../../schemas/report.ts';
import { ArtifactStore, checkReport } from '../../store/index.ts';
import { ExitCode } from '../exit-codes.ts';
import type { ProjectFlags } from '../flags.ts';
import { withProjectFlags } from '../flags.ts';
import { suggested } from '../hints.ts';
import type { Output } from '../output.ts';
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
      .argument('[workflow]', 'workflow id'),
  );
  handle<ProjectFlags>(command, showReport);
}

async function showReport(flags: ProjectFlags, output: Output, [workflowId]: string[]): Promise<ExitCode> {
  const stateDir = resolve(flags.stateDir ?? stateFolder);
  const runs = join(stateDir, 'runs');
  const all = await findReports(runs);
  const wanted = workflowId ? all.filter(({ report }) => report.workflowId === workflowId) : all;
  const newest = wanted.sort((a, b) => b.report.createdAt.localeCompare(a.report.createdAt))[0];
  if (!newest) {
    const known = all.map(({ report }) => report.workflowId).join(', ') || 'none';
    throw new GuardError(
      ErrorCode.BadInput,
      `No report${workflowId ? ` of ${workflowId}` : ''} in ${runs} (reports there: ${known}). "${suggested('run', flags)}" makes one.`,
    );
  }
  const { report, files } = newest;
  const check = await checked(newest, join(stateDir, 'store'));
  const { runId, workflowId: id } = report;
  const end = 'rollout' in report ? { outcome: report.rollout.outcome } : { verdict: report.verdict };
  output.result({ workflowId: id, runId, report: files, ...end, check }, () => {
    const text =
      'rollout' in report
        ? reportText(report, files, output.colorOut)
        : `${diagnosisText(report)}\nReport ${files.html}`;
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

async function findReports(folder: string): Promise<Found[]> {
  let names: string[];
  try {
    names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
  const found = await Promise.all(names.map((name) => readReport(join(folder, name))));
  return found.filter((one) => one !== null);
}

/** Null: the file is something else. */
async function readReport(json: string): Promise<Found | null> {
  try {
    const written = JSON.parse(await readFile(json, 'utf8'));
    const report = AnyReport.parse(written);
    return { report, written, files: { html: json.replace(/\.json$/, '.html'), json } };
  } catch {
    return null;
  }
}
