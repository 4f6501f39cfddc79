import { dirname } from 'node:path';
import { WorkflowNotFoundError } from '@temporalio/client';
import { packSetOf } from '../ingest/index.ts';
import type { Digest } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { type DiagnoseRequest, type TrainRequest, WorkflowName, workflowIds } from '../schemas/workflow.ts';
import { modelAttribute } from '../workflows/messages.ts';
import type { LoadedConfig } from './config.ts';
import { checkOwn, checkRunning, describeOwn } from './known.ts';
import { withMix } from './mix.ts';
import { withPacks } from './packs.ts';
import { checkAsked, planInput } from './plan.ts';
import {
  diagnoseRequest,
  pilotRequest,
  type RunOptions,
  requestDigest,
  resolved,
  robustifyRequest,
  trainRequest,
} from './requests.ts';
import type { Session } from './session.ts';
import { allowSources, sourcesOf } from './source-roots.ts';
import { checkTrainable } from './trainable.ts';

export interface Started {
  workflowId: string;
  runId: string;
  /** The model's name. */
  model: string;
  /** An equal request was running already; this is that run. */
  joined: boolean;
  /** The run before it broke off; what an endpoint answered to that one counts. Null: it did not, or there was none. */
  resumes: string | null;
}

/** What a run that broke off leaves to the one that takes it up: the name under which its answers lie. */
const resumesMemo = 'resumes';

interface Before {
  runId: string;
  running: boolean;
  /** Whose answers a run after it goes on with; null: it came to its end. */
  resumes: string | null;
}

async function runBefore(session: Session, workflowId: string): Promise<Before | null> {
  try {
    const found = await session.client.workflow.getHandle(workflowId).describe();
    const { memo, runId, status } = found;
    // Another project's run under this name would be joined, and its results lie elsewhere.
    if (status.name === 'RUNNING') checkOwn(session, found);
    const kept = memo?.[resumesMemo];
    const resumes = status.name === 'COMPLETED' ? null : typeof kept === 'string' ? kept : runId;
    return { runId, running: status.name === 'RUNNING', resumes };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Starts a workflow under its business key, or joins the one that runs under it. */
export async function startOrJoin(
  session: Session,
  start: { type: string; workflowId: string; model: string; args: unknown[] },
  before?: Before | null,
): Promise<Started> {
  const { args, model, type, workflowId } = start;
  const last = before === undefined ? await runBefore(session, workflowId) : before;
  const handle = await session.client.workflow.start(type, {
    workflowId,
    taskQueue: session.taskQueue,
    args,
    workflowIdConflictPolicy: 'USE_EXISTING',
    typedSearchAttributes: [{ key: modelAttribute, value: model }],
    ...(last?.resumes ? { memo: { [resumesMemo]: last.resumes } } : {}),
  });
  const runId = handle.firstExecutionRunId;
  const joined = last?.running === true && last.runId === runId;
  return { workflowId, runId, model, joined, resumes: joined ? null : (last?.resumes ?? null) };
}

/** What is about to be asked for, and by which options. */
export interface PlannedWork<Request extends DiagnoseRequest = DiagnoseRequest> {
  asked: RunOptions;
  request: Request;
}

/**
 * The request with the scenario packs that it names, and with what its training data lack. Whatever is named and may not be there is
 * looked for here, before anything is asked or computed. @throws GuardError BadConfig or BadInput naming it
 */
export async function complete<Request extends DiagnoseRequest>(
  { config, log, store }: Pick<Session, 'config' | 'log' | 'store'>,
  options: RunOptions,
  request: Request,
): Promise<Request> {
  const folder = dirname(config.file);
  const set = await packSetOf(request.diagnosis, { folder, ...options });
  const { checked = false } = options;
  if (!checked) await checkAsked(planInput(request, set), options, log);
  const packed = await withPacks(request, set, store);
  if (!trains(packed)) return packed;
  if (!checked && 'folder' in packed.source) await checkTrainable(packed.source.folder, packed.source.dtype);
  const { note, request: mixed } = await withMix(packed, folder);
  if (note !== null) log(note);
  return mixed;
}

export const trains = <Request extends DiagnoseRequest>(
  request: Request,
): request is Request & TrainRequest => 'training' in request;

/** Starts what a command asks for, under the digest of what that means. */
function starter<Request extends DiagnoseRequest>(
  type: string,
  requestOf: (config: LoadedConfig, options: RunOptions) => Request,
  idOf: (model: string, digest: Digest) => string,
) {
  return async (session: Session, options: RunOptions): Promise<Started> => {
    const asked = await resolved(session, options);
    const request = await complete(session, asked, requestOf(session.config, asked));
    const { model } = request;
    const workflowId = idOf(model, requestDigest(request));
    const before = await runBefore(session, workflowId);
    await allowSources(session.stateDir, sourcesOf(request));
    const { answers } = request;
    const args = [
      before?.resumes ? { ...request, answers: { ...answers, resumes: before.resumes } } : request,
    ];
    return startOrJoin(session, { type, workflowId, model, args }, before);
  };
}

/** Diagnosis, training, rollout, report. */
export const startRobustify = starter(WorkflowName.Robustify, robustifyRequest, workflowIds.robustify);
export const startDiagnose = starter(WorkflowName.Diagnose, diagnoseRequest, workflowIds.diagnose);
export const startTrain = starter(WorkflowName.Train, trainRequest, workflowIds.train);
export const startPilot = starter(WorkflowName.Pilot, pilotRequest, workflowIds.pilot);

/** Asks a run to end. Throws GuardError BAD_INPUT where there is no such run of ours, or it has ended. */
export async function cancelRun(session: Session, workflowId: string): Promise<void> {
  const found = await describeOwn(session, workflowId);
  checkRunning(found);
  if (found.type === WorkflowName.Registry) {
    const message = `${workflowId} keeps the registry, and goes on; \`modality-guard models rollback\` changes the champion`;
    throw new GuardError(ErrorCode.BadInput, message);
  }
  await session.client.workflow.getHandle(workflowId).cancel();
}
