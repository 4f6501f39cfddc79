/** The only place that wires things: configuration, server, client, store and worker; and what commands ask of them. */
export { type DiagnosisFiles, type ReportedDiagnosis, writeDiagnosis } from '../activities/index.ts';
export { type AuditExport, type AuditVerify, auditExport, auditVerify } from './audit.ts';
export { type ConfigOptions, type LoadedConfig, loadConfig, packageFolder } from './config.ts';
export { type DecideOptions, decide, waitingGates } from './decide.ts';
export { type DriftOptions, setDriftLimits, stopDrift, watchDrift } from './drift.ts';
export { type DriftView, driftStatus } from './drift-status.ts';
export { follow } from './follow.ts';
export { jsonLine } from './observe/log.ts';
export { quietly } from './observe/runtime.ts';
export { planRequests } from './plan.ts';
export { checkWork, type WorkOptions } from './preflight.ts';
export {
  aliasModel,
  type ExportOptions,
  exportModel,
  promoteModel,
  registryHistory,
  registryState,
  restorePrevious,
} from './registry.ts';
export { registryClient } from './registry-client.ts';
export { type AuditReplay, auditReplay, replayStrictly } from './replay/index.ts';
export type { RunOptions } from './requests.ts';
export {
  diagnoseOnce,
  keepDiagnosis,
  type PilotOutcome,
  pilotOnce,
  type RobustifyOutcome,
  reportDiagnosis,
  robustifyResult,
  type TrainOutcome,
  trainOnce,
} from './results.ts';
export { backfillSchedule, type NightlyChange, updateNightly } from './schedule-changes.ts';
export { describeSchedule, type NightView, type ScheduleDetails } from './schedule-view.ts';
export {
  createNightly,
  deleteSchedule,
  listSchedules,
  type NightlyOptions,
  type ScheduleView,
  setSchedulePaused,
  type Triggered,
  triggerSchedule,
} from './schedules.ts';
export { asServerError } from './server-errors.ts';
export { openSession, runWorker, type Session, type SessionOptions } from './session.ts';
export { cancelRun, type Started, startDiagnose, startRobustify, startTrain } from './starts.ts';
export {
  type ActivityView,
  listRuns,
  RunState,
  type RunSummary,
  type StatusView,
  statusOf,
} from './status.ts';
export { checkVacant } from './vacant-folder.ts';
export { bundleWorkflows } from './workflow-bundle.ts';
