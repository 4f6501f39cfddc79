import { randomUUID } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { DriftLimits } from '../schemas/config.ts';
import type { DriftRequest, DriftStatus } from '../schemas/drift.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { type RobustifyRequest, WorkflowName, workflowIds } from '../schemas/workflow.ts';
import { driftLimitsUpdate, stopSignal } from '../workflows/messages.ts';
import type { LoadedConfig } from './config.ts';
import { askCarried, askWatch, describeWatch } from './drift-status.ts';
import { clearly } from './failures.ts';
import { imported } from './imports.ts';
import { checkRunning } from './known.ts';
import { type RunOptions, resolved, robustifyRequest } from './requests.ts';
import type { Session } from './session.ts';
import { allowSources } from './source-roots.ts';
import { complete, type PlannedWork, type Started, startOrJoin } from './starts.ts';

export interface DriftOptions extends RunOptions {
  /** Folder of Parquet request logs. */
  logs: string;
  pollSeconds?: number;
  coolDownSeconds?: number;
  changeRate?: number;
  psi?: number;
  minRequests?: number;
}

/** What an alarm starts. @throws GuardError BadInput where there are no logs */
export async function driftWork(
  config: LoadedConfig,
  { logs, ...asked }: DriftOptions,
): Promise<PlannedWork<RobustifyRequest>> {
  const folder = resolve(logs);
  if (!(await stat(folder).catch(() => null))?.isDirectory()) {
    throw new GuardError(ErrorCode.BadInput, `${folder}: there is no such folder of request logs`);
  }
  return {
    asked,
    request: robustifyRequest(config, { ...asked, champion: asked.modelFolder === undefined }),
  };
}

/** Watches a folder of request logs; an alarm starts a run on the registry's champion. */
export async function watchDrift(session: Session, options: DriftOptions): Promise<Started> {
  const logs = resolve(options.logs);
  const { changeRate, coolDownSeconds, minRequests, pollSeconds, psi } = {
    ...session.config.drift,
    ...defined(options),
  };
  const { asked, request: wanted } = await driftWork(session.config, await resolved(session, options));
  const robustify = await imported(session.store, await complete(session, asked, wanted));
  const { model } = robustify;
  const request: DriftRequest = {
    model,
    logs,
    pollSeconds,
    coolDownSeconds,
    changeRate,
    psi,
    minRequests,
    robustify,
  };
  await allowSources(session.stateDir, [logs]);
  const workflowId = workflowIds.drift(model);
  const limits: DriftLimits = { changeRate, coolDownSeconds, minRequests, pollSeconds, psi };
  const carried = await carriedOver(session, model, logs, limits);
  const args = [request, ...(carried === null ? [] : [carried])];
  return startOrJoin(session, { type: WorkflowName.DriftWatch, workflowId, model, args });
}

/**
 * What the watch before knew: its cool-down, and the files that it read. Null: there was none.
 * @throws GuardError BadInput where the model's logs in another folder are watched
 */
async function carriedOver(
  session: Session,
  model: string,
  logs: string,
  limits: DriftLimits,
): Promise<Record<string, unknown> | null> {
  const before = await describeWatch(session, model).catch((error) => {
    if (error instanceof GuardError && error.code === ErrorCode.BadInput) return null;
    throw error;
  });
  if (before === null) return null;
  if (before.status.name === 'RUNNING') {
    checkSame(session, model, await askWatch(session, model), logs, limits);
    return null;
  }
  const carried = await askCarried(session, model);
  if (carried === null) {
    session.log(
      `No worker answers for the watch before (${before.status.name.toLowerCase()}): its cool-down and the files that it read are not known, and all files are read.`,
    );
    return null;
  }
  return { ...carried, limits, stopped: false, trouble: null };
}

/** What a watch that runs goes on with, where something else was asked for. */
function checkSame(
  { log }: Session,
  model: string,
  running: DriftStatus | null,
  logs: string,
  limits: DriftLimits,
): void {
  if (running === null) return;
  if (running.logs !== logs) {
    const message = `the logs of "${model}" in ${running.logs} are watched; \`modality-guard drift stop\` ends that watch`;
    throw new GuardError(ErrorCode.BadInput, message);
  }
  const others = Object.entries(running.limits ?? {}).filter(
    ([name, value]) => limits[name as keyof DriftLimits] !== value,
  );
  if (others.length === 0) return;
  const shown = others.map(([name, value]) => `${name} ${value}`).join(', ');
  log(`The watch that runs keeps its limits (${shown}); \`modality-guard drift set\` changes them.`);
}

function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Changes limits of a watch that runs. @returns those that hold from now on. @throws GuardError BadInput where one cannot be so */
export async function setDriftLimits(
  session: Session,
  model: string,
  change: Partial<DriftLimits>,
): Promise<DriftLimits> {
  const { workflowId } = await runningWatch(session, model);
  const handle = session.client.workflow.getHandle(workflowId);
  try {
    const update = { args: [change], updateId: randomUUID() } as const;
    return await clearly(() =>
      session.answered(() => handle.executeUpdate(driftLimitsUpdate, { ...update, args: [change] }), {
        change: true,
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    const message = `${workflowId} takes no limits (${error.cause?.message ?? error.message}); where it was begun by an older version, \`modality-guard drift stop\` it and begin it again`;
    throw new GuardError(ErrorCode.BadInput, message, { cause: error });
  }
}

export async function stopDrift(session: Session, model: string): Promise<void> {
  const { workflowId } = await runningWatch(session, model);
  await clearly(() => session.client.workflow.getHandle(workflowId).signal(stopSignal));
}

async function runningWatch(session: Session, model: string) {
  const found = await describeWatch(session, model);
  checkRunning(found);
  return found;
}
