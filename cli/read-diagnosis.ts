import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { type Diagnosed, sampleLog } from '../diagnosis/index.ts';
import { stateFolder } from '../schemas/config.ts';
import { DiagnosisReport } from '../schemas/diagnosis-report.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { SampleLogRow } from '../schemas/sample-log.ts';
import { ArtifactStore, readPredictions, readSampleLog, readSamples } from '../store/index.ts';
import { diagnosisFile, findFile } from './find-report.ts';
import { readJson } from './read-json.ts';

/** What a comparison takes from a report, and from what `diagnose --json` prints. */
const Printed = z.looseObject({
  ...DiagnosisReport.pick({ workflowId: true, seed: true, pgd: true, endpoint: true, artifacts: true }).shape,
  model: z.looseObject({ name: z.string() }),
  store: z.string().optional(),
});

export type ReadDiagnosis = Diagnosed & Pick<z.infer<typeof Printed>, 'pgd' | 'endpoint'>;

const logName = 'sample-log.parquet';

async function logFromStore(
  { artifacts }: z.infer<typeof Printed>,
  folder: string,
): Promise<SampleLogRow[] | null> {
  const tables = Object.entries(artifacts);
  const samplesOf = tables.filter(([name]) => name.startsWith('samples/'));
  const answersOf = tables.filter(([name]) => name.startsWith('predictions/'));
  if (samplesOf.length === 0 || answersOf.length === 0 || !existsSync(folder)) return null;
  const store = await ArtifactStore.open(folder);
  const samples = [];
  const predictions = [];
  for (const [, ref] of samplesOf) samples.push(...(await readSamples(await store.path(ref))));
  for (const [, ref] of answersOf) predictions.push(...(await readPredictions(await store.path(ref))));
  return sampleLog(samples, predictions, () => null);
}

/**
 * A diagnosis with every answer, by a report's file or folder, what `diagnose --json` printed, or a workflow's id.
 * @throws GuardError BadInput where there is none, or where its answers are gone
 */
export async function readDiagnosed(what: string, stateDir = stateFolder): Promise<ReadDiagnosis> {
  const state = resolve(stateDir);
  const file = await findFile(what, diagnosisFile, stateDir);
  const parsed = Printed.safeParse(await readJson(file));
  if (!parsed.success)
    throw new GuardError(
      ErrorCode.BadInput,
      `${file}: is no report of a diagnosis:\n${z.prettifyError(parsed.error)}\nThe report of a whole run compares its two diagnoses itself`,
    );
  const { endpoint, pgd, seed, store = join(state, 'store') } = parsed.data;
  const beside = join(dirname(file), logName);
  const log = existsSync(beside) ? await readSampleLog(beside) : await logFromStore(parsed.data, store);
  if (!log)
    throw new GuardError(
      ErrorCode.BadInput,
      `${file}: its answers are neither beside it (${logName}) nor in ${store}; keep the folder that "diagnose --out" wrote, or name the store's --state-dir`,
    );
  return { name: what, seed, log, pgd, endpoint };
}
