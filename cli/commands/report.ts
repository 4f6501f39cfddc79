import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { stateFolder } from '../../schemas/config.ts';
import { DiagnosisReport } from '../../schemas/diagnosis-report.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { RunReport } from '../../schemas/report.ts';
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

async function showReport(flags: ProjectFlags, output: Output, [workflowId]: string[]): Promise<undefined> {
  const runs = join(resolve(flags.stateDir ?? stateFolder), 'runs');
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
  const { runId, workflowId: id } = report;
  const end = 'rollout' in report ? { outcome: report.rollout.outcome } : { verdict: report.verdict };
  output.result({ workflowId: id, runId, report: files, ...end }, () =>
    'rollout' in report
      ? reportText(report, files, output.colorOut)
      : `${diagnosisText(report)}\nReport ${files.html}`,
  );
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
    const report = AnyReport.parse(JSON.parse(await readFile(json, 'utf8')));
    return { report, files: { html: json.replace(/\.json$/, '.html'), json } };
  } catch {
    return null;
  }
}
