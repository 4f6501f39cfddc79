import {
  reportDiagnosis as composeReport,
  type DiagnoseOutcome,
  type DiagnosisFiles,
  layOutPilot,
  layOutReport,
  type ReportedDiagnosis,
  type ReportFiles,
  readDiagnosis,
  runFolder,
  writeDiagnosis,
} from '../activities/index.ts';
import type { Diagnosed } from '../diagnosis/index.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Pilot } from '../schemas/estimate.ts';
import type { GateRule } from '../schemas/gate.ts';
import { type LossPoint, type RolloutResult, RunReport } from '../schemas/report.ts';
import type { DiagnoseResult, PilotResult, RobustifyResult, TrainResult } from '../schemas/workflow.ts';
import { readLosses, recordReport } from '../store/index.ts';
import { clearly } from './failures.ts';
import { follow } from './follow.ts';
import { diagnoseRequest, type RunOptions, resolved } from './requests.ts';
import type { Session } from './session.ts';
import { complete, type Started, startDiagnose, startPilot, startTrain } from './starts.ts';
import type { StatusView } from './status.ts';

export interface RobustifyOutcome {
  outcome: RolloutResult['outcome'];
  reason: string;
  report: RunReport;
  /** Absolute paths. */
  files: ReportFiles;
  /** Folder of the artifact store. */
  store: string;
  workflowId: string;
  runId: string;
}

/** Waits for a run's end. @throws GuardError with the code and message of the step that failed; Rejected where the pilot's gate said no */
export async function robustifyResult(session: Session, workflowId: string): Promise<RobustifyOutcome> {
  const { stateDir, store } = session;
  const result: RobustifyResult = await clearly(() => session.client.workflow.result(workflowId));
  const piloted = result.pilot && (await layOutPilot(store, stateDir, workflowId, result.pilot));
  if (result.report === null) {
    const found = piloted ? ` What the pilot found is in ${piloted.file}.` : '';
    throw new GuardError(ErrorCode.Rejected, `${result.reason}. Nothing was trained.${found}`);
  }
  const report = await store.getJson(result.report.json, RunReport);
  return {
    outcome: result.outcome,
    reason: result.reason,
    report,
    files: await layOutReport(store, stateDir, workflowId, result.report, result.artifacts),
    store: session.storeDir,
    workflowId,
    runId: report.runId,
  };
}

type OnStatus = (status: StatusView) => void;

async function resultOf<Result>(
  session: Session,
  { runId, workflowId }: Started,
  onStatus: OnStatus = () => {},
  options: { signal?: AbortSignal } = {},
): Promise<Result> {
  await follow(session, workflowId, onStatus, options);
  if (options.signal?.aborted) throw interrupted(workflowId);
  return clearly(() => session.client.workflow.result(workflowId, runId) as Promise<Result>);
}

function interrupted(workflowId: string): GuardError {
  return new GuardError(
    ErrorCode.Cancelled,
    `no longer waiting for ${workflowId}, which goes on where a worker runs`,
  );
}

/** Diagnoses a model and waits for the figures. */
export async function diagnoseOnce(
  session: Session,
  options: RunOptions,
  onStatus?: OnStatus,
  waiting: { signal?: AbortSignal } = {},
): Promise<DiagnoseOutcome> {
  const started = await startDiagnose(session, options);
  const result = await resultOf<DiagnoseResult>(session, started, onStatus, waiting);
  return readDiagnosis(session.store, started, result);
}

/** A diagnosis as a report: judged by the rules, without any by built-in ones. @throws GuardError as `reportDiagnosis` of activities/ */
export async function reportDiagnosis(
  session: Session,
  outcome: DiagnoseOutcome,
  options: RunOptions,
  rules?: readonly GateRule[],
  earlier?: Diagnosed,
): Promise<ReportedDiagnosis> {
  const asked = await resolved(session, options);
  // What is looked for before the work was found.
  const found = { ...asked, rules: [], against: undefined };
  const request = await complete(
    { ...session, log: () => {} },
    found,
    diagnoseRequest(session.config, asked),
  );
  return composeReport(session.store, outcome, request, rules, earlier);
}

/**
 * Writes a diagnosis in all its forms into the folder of its run, where `report` and comparisons find it, and into `folder` where one is
 * named. @returns the paths in the folder that was named, else in that of the run
 */
export async function keepDiagnosis(
  { stateDir, store }: Pick<Session, 'stateDir' | 'store'>,
  reported: ReportedDiagnosis,
  folder?: string,
): Promise<DiagnosisFiles> {
  await recordReport(store, reported.report);
  const kept = await writeDiagnosis(runFolder(stateDir, reported.report.workflowId), reported);
  return folder === undefined ? kept : writeDiagnosis(folder, reported);
}

export type TrainOutcome = Pick<Started, 'workflowId' | 'runId'> &
  Pick<TrainResult, 'base' | 'trained' | 'seconds' | 'cached'> & { losses: LossPoint[] };

/** Trains a model and waits for its weights. */
export async function trainOnce(
  session: Session,
  options: RunOptions,
  onStatus?: OnStatus,
  waiting: { signal?: AbortSignal } = {},
): Promise<TrainOutcome> {
  const started = await startTrain(session, options);
  const { base, cached, losses, seconds, trained } = await resultOf<TrainResult>(
    session,
    started,
    onStatus,
    waiting,
  );
  const points = await readLosses(await session.store.path(losses));
  const { runId, workflowId } = started;
  return { workflowId, runId, base, trained, losses: points, seconds, cached };
}

export type PilotOutcome = Pick<Started, 'workflowId' | 'runId'> &
  Pick<PilotResult, 'model' | 'finding' | 'seconds' | 'cached'> & { pilot: Pilot; file: string };

/** Trains a model shortly on growing shares of the data, and waits for what that reached. `file`: it as pilot.json. */
export async function pilotOnce(
  session: Session,
  options: RunOptions,
  onStatus?: OnStatus,
  waiting: { signal?: AbortSignal } = {},
): Promise<PilotOutcome> {
  const started = await startPilot(session, options);
  const { cached, finding, model, pilot, seconds, secondsPerStep } = await resultOf<PilotResult>(
    session,
    started,
    onStatus,
    waiting,
  );
  const { stateDir, store } = session;
  const { runId, workflowId } = started;
  const laidOut = await layOutPilot(store, stateDir, workflowId, { pilot, secondsPerStep });
  return {
    workflowId,
    runId,
    model,
    finding,
    ...laidOut,
    seconds,
    cached,
  };
}
