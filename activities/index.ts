import { attack } from './attack.ts';
import { augment } from './augment.ts';
import type { ActivityDeps } from './deps.ts';
import { firstLook, lastLook } from './fingerprint.ts';
import { gate } from './gate.ts';
import { importModel } from './import-model.ts';
import { ingest } from './ingest.ts';
import { keepHistories } from './keep-histories.ts';
import { lookAtLogs } from './look-at-logs.ts';
import { measureLogs } from './measure-logs.ts';
import { notify } from './notify.ts';
import { perturb } from './perturb.ts';
import { pilot } from './pilot.ts';
import { planRollout } from './plan-rollout.ts';
import { pollLogs } from './poll-logs.ts';
import { predict } from './predict.ts';
import { registry, registryActions } from './registry.ts';
import { replayTraffic } from './replay-traffic.ts';
import { report } from './report.ts';
import { reportDiagnosis } from './report-diagnosis.ts';
import { score } from './score.ts';
import { summarize } from './summarize.ts';
import { train } from './train.ts';

export type { ActivityDeps, HistorySource, Notifier, RegistryCall, RegistryClient } from './deps.ts';
export { type DiagnosisFiles, writeDiagnosis } from './diagnosis-files.ts';
export { type DiagnoseOutcome, readDiagnosis } from './diagnosis-outcome.ts';
export { type ReportedDiagnosis, reportDiagnosis } from './diagnosis-report.ts';
export {
  checkRules,
  type DiagnosisPlan,
  namesSomething,
  type PlanInput,
  type PlannedAttack,
  planDiagnosis,
} from './plan.ts';
export { comparableIn } from './registry.ts';
export { layOutPilot, layOutReport, type ReportFiles, runFolder } from './report-files.ts';

/** The durable steps, with what they need from the worker. */
export function createActivities(deps: ActivityDeps) {
  return {
    attack: attack(deps),
    augment: augment(deps),
    firstLook: firstLook(deps),
    gate: gate(deps),
    importModel: importModel(deps),
    ingest: ingest(deps),
    keepHistories: keepHistories(deps),
    lastLook: lastLook(deps),
    lookAtLogs: lookAtLogs(deps),
    measureLogs: measureLogs(deps),
    notify: notify(deps),
    perturb: perturb(deps),
    pilot: pilot(deps),
    planRollout: planRollout(deps),
    pollLogs: pollLogs(deps),
    predict: predict(deps),
    registry: registry(deps),
    ...registryActions(deps),
    replayTraffic: replayTraffic(deps),
    report: report(deps),
    reportDiagnosis: reportDiagnosis(deps),
    score: score(deps),
    summarize: summarize(deps),
    train: train(deps),
  };
}
export type Activities = ReturnType<typeof createActivities>;
