import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { packSetOf } from '../ingest/index.ts';
import { filesToKeep, isEndpoint, readEndpoint, readModelFolder } from '../models/index.ts';
import type { DiagnoseRequest, ModelSource } from '../schemas/workflow.ts';
import { checkBenchmarkFiles } from '../store/index.ts';
import { type ConfigOptions, type LoadedConfig, loadConfig } from './config.ts';
import { type DriftOptions, driftWork } from './drift.ts';
import { withMix } from './mix.ts';
import { checkAsked, planInput } from './plan.ts';
import {
  diagnoseRequest,
  pilotRequest,
  type RunOptions,
  resolved,
  robustifyRequest,
  trainRequest,
} from './requests.ts';
import { type NightlyOptions, nightlyWork } from './schedules.ts';
import { type PlannedWork, trains } from './starts.ts';
import { checkTrainable } from './trainable.ts';

/** The options of each command that starts work. */
export interface WorkOptions {
  diagnose: RunOptions;
  train: RunOptions;
  pilot: RunOptions;
  run: RunOptions;
  nightly: NightlyOptions;
  drift: DriftOptions;
}

type Planner<Options> = (config: LoadedConfig, asked: Options & { model: string }) => Promise<PlannedWork>;

const requestedBy =
  (requestOf: (config: LoadedConfig, options: RunOptions) => DiagnoseRequest): Planner<RunOptions> =>
  async (config, asked) => ({ asked, request: requestOf(config, asked) });

const planners: { [Kind in keyof WorkOptions]: Planner<WorkOptions[Kind]> } = {
  diagnose: requestedBy(diagnoseRequest),
  train: requestedBy(trainRequest),
  pilot: requestedBy(pilotRequest),
  run: requestedBy(robustifyRequest),
  nightly: nightlyWork,
  drift: driftWork,
};

/** A folder that can be opened as far as its small files tell. @throws GuardError BadModel or BadConfig naming the file */
async function checkModel(source: ModelSource): Promise<void> {
  if (!('folder' in source)) return;
  const { dtype, folder } = source;
  if (isEndpoint(folder)) await readEndpoint(folder);
  else if (!(await filesToKeep(folder, dtype))) await readModelFolder(folder);
}

/**
 * Looks, before a server is started or anything is asked, for all that a command names: its configuration, model, benchmark, task, gate and
 * pack files, rules, policies. Rows of a benchmark and weights are read by the work itself. `log` takes what people should know.
 * @returns the options, marked as looked for @throws GuardError naming what is not there or wrong
 */
export async function checkWork<Kind extends keyof WorkOptions>(
  kind: Kind,
  project: ConfigOptions,
  options: WorkOptions[Kind],
  log: (line: string) => void,
): Promise<WorkOptions[Kind]> {
  const config = await loadConfig(project);
  const scratch = await mkdtemp(join(tmpdir(), 'guard-check-'));
  try {
    const { asked, request } = await planners[kind](
      config,
      await resolved({ config, stateDir: scratch }, options),
    );
    await checkModel(request.source);
    await checkBenchmarkFiles(request.data.folder);
    if (asked.mix !== undefined && isAbsolute(asked.mix)) await checkBenchmarkFiles(asked.mix);
    const folder = dirname(config.file);
    const set = await packSetOf(request.diagnosis, { folder, ...asked });
    await checkAsked(planInput(request, set), asked, log);
    if (trains(request)) {
      if ('folder' in request.source) await checkTrainable(request.source.folder, request.source.dtype);
      await withMix(request, folder);
    }
    return { ...options, checked: true };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
