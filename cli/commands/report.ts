import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { RunReport } from '../../schemas/report.ts';
import type { ProjectFlags } from '../flags.ts';
import { withProjectFlags } from '../flags.ts';
import type { Output } from '../output.ts';
import { reportText } from '../views/report.ts';
import { handle } from './command.ts';

interface Found {
  report: RunReport;
  files: { html: string; json: string };
}

export function addReport(program: Command): void {
  const command = withProjectFlags(
    program
      .command('report')
      .description('the newest report of this project, or the one of a run (no server needed)')
      .argument('[workflow]', 'workflow id'),
  );
  handle<ProjectFlags>(command, showReport);
}

async function showReport(flags: ProjectFlags, output: Output, [workflowId]: string[]): Promise<undefined> {
  const runs = join(resolve(flags.stateDir ?? '.modality-guard'), 'runs');
  const all = await findReports(runs);
  const wanted = workflowId ? all.filter(({ report }) => report.workflowId === workflowId) : all;
  const newest = wanted.sort((a, b) => b.report.createdAt.localeCompare(a.report.createdAt))[0];
  if (!newest) {
    const known = all.map(({ report }) => report.workflowId).join(', ') || 'none';
    throw new GuardError(
      ErrorCode.BadInput,
      `No report${workflowId ? ` of ${workflowId}` : ''} in ${runs} (reports there: ${known}). "modality-guard run" makes one.`,
    );
  }
  const { report, files } = newest;
  output.result(
    { workflowId: report.workflowId, runId: report.runId, report: files, outcome: report.rollout.outcome },
    () => reportText(report, files),
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
    const report = RunReport.parse(JSON.parse(await readFile(json, 'utf8')));
    return { report, files: { html: json.replace(/\.json$/, '.html'), json } };
  } catch {
    return null;
  }
}
