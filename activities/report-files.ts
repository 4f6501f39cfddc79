import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { type ArtifactStore, writeAtomically } from '../store/index.ts';

export interface ReportFiles {
  html: string;
  json: string;
}

/** Lays a run's report out as files, in a folder named by the run. */
export async function layOutReport(
  store: ArtifactStore,
  stateDir: string,
  workflowId: string,
  report: { html: ArtifactRef; json: ArtifactRef },
): Promise<ReportFiles> {
  const folder = join(stateDir, 'runs', workflowId.replaceAll(/[^\w.-]+/g, '_'));
  await mkdir(folder, { recursive: true });
  const files = { html: join(folder, 'report.html'), json: join(folder, 'report.json') };
  for (const kind of ['html', 'json'] as const) {
    const bytes = await store.get(report[kind]);
    await writeAtomically(files[kind], (write) => write(bytes));
  }
  return files;
}
