import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { type Pilot, PilotFigures } from '../schemas/estimate.ts';
import type { PilotRefs } from '../schemas/workflow.ts';
import { type ArtifactStore, recordReport, writeAtomically } from '../store/index.ts';
import { caseArtifacts } from './case-tables.ts';

export interface ReportFiles {
  html: string;
  json: string;
}

/** Where the files of a run lie. */
export const runFolder = (stateDir: string, workflowId: string) =>
  join(stateDir, 'runs', workflowId.replaceAll(/[^\w.-]+/g, '_'));

/** Lays a pilot out as pilot.json in the folder of its run. */
export async function layOutPilot(
  store: ArtifactStore,
  stateDir: string,
  workflowId: string,
  { pilot: ref, secondsPerStep }: PilotRefs,
): Promise<{ file: string; pilot: Pilot }> {
  const folder = runFolder(stateDir, workflowId);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'pilot.json');
  const pilot: Pilot = { ...(await store.getJson(ref, PilotFigures)), secondsPerStep };
  await writeAtomically(file, (write) => write(Buffer.from(`${JSON.stringify(pilot, null, 2)}\n`)));
  return { file, pilot };
}

/** Lays a run's report out as files, in a folder named by the run. */
export async function layOutReport(
  store: ArtifactStore,
  stateDir: string,
  workflowId: string,
  report: { html: ArtifactRef; json: ArtifactRef },
  artifacts: Readonly<Record<string, ArtifactRef>>,
): Promise<ReportFiles> {
  const folder = runFolder(stateDir, workflowId);
  await mkdir(folder, { recursive: true });
  const files = { html: join(folder, 'report.html'), json: join(folder, 'report.json') };
  for (const kind of ['html', 'json'] as const) {
    const bytes = await store.get(report[kind]);
    await writeAtomically(files[kind], (write) => write(bytes));
    if (kind === 'json') await recordReport(store, JSON.parse(Buffer.from(bytes).toString('utf8')));
  }
  // The tables that the page names beside it; a run of a worker of before has none.
  for (const [name, { file }] of Object.entries(caseArtifacts)) {
    const ref = artifacts[name];
    if (!ref) continue;
    const bytes = await store.get(ref);
    await writeAtomically(join(folder, file), (write) => write(bytes));
  }
  return files;
}
