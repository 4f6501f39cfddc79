import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DriftRequest, DriftStatus } from '../schemas/drift.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { WorkflowName, workflowIds } from '../schemas/workflow.ts';
import { driftStatusQuery, stopSignal } from '../workflows/messages.ts';
import { clearly } from './failures.ts';
import { type RunOptions, resolved, robustifyRequest } from './requests.ts';
import type { Session } from './session.ts';
import { complete, type Started, startOrJoin } from './starts.ts';

export interface DriftOptions extends RunOptions {
  /** Folder of Parquet request logs. */
  logs: string;
  pollSeconds?: number;
  coolDownSeconds?: number;
  changeRate?: number;
  psi?: number;
  minRequests?: number;
}

/** Watches a folder of request logs; an alarm starts a run on the registry's champion. */
export async function watchDrift(session: Session, options: DriftOptions): Promise<Started> {
  const { logs: folder, ...rest } = options;
  const logs = resolve(folder);
  if (!(await stat(logs).catch(() => null))?.isDirectory()) {
    throw new GuardError(ErrorCode.BadInput, `${logs}: there is no such folder of request logs`);
  }
  const { changeRate, coolDownSeconds, minRequests, pollSeconds, psi } = {
    ...session.config.drift,
    ...defined(rest),
  };
  const asked = await resolved(session, rest);
  const robustify = await complete(
    session,
    asked,
    robustifyRequest(session.config, { ...asked, champion: asked.modelFolder === undefined }),
  );
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
  const workflowId = workflowIds.drift(model);
  return startOrJoin(session, { type: WorkflowName.DriftWatch, workflowId, model, args: [request] });
}

function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

export function driftStatus({ client }: Session, model: string): Promise<DriftStatus> {
  return clearly(() => client.workflow.getHandle(workflowIds.drift(model)).query(driftStatusQuery));
}

export function stopDrift({ client }: Session, model: string): Promise<void> {
  return clearly(() => client.workflow.getHandle(workflowIds.drift(model)).signal(stopSignal));
}
