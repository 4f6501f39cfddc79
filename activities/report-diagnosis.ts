import { Context } from '@temporalio/activity';
import type { GateRule } from '../schemas/gate.ts';
import type { DiagnoseResult, DiagnosisVerdict } from '../schemas/workflow.ts';
import { recordReport } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { writeDiagnosis } from './diagnosis-files.ts';
import { readDiagnosis } from './diagnosis-outcome.ts';
import { reportDiagnosis as composed, type ReportedRequest } from './diagnosis-report.ts';
import { runFolder } from './report-files.ts';
import { attempt } from './step.ts';

export interface ReportDiagnosisInput {
  request: ReportedRequest;
  result: Omit<DiagnoseResult, 'report'>;
  /** Null: the built-in ones. */
  rules: GateRule[] | null;
}

/** Judges a diagnosis and writes it in all its forms into the folder of its run. */
export function reportDiagnosis(deps: ActivityDeps) {
  const { stateDir, store } = deps;
  return ({ request, result, rules }: ReportDiagnosisInput): Promise<DiagnosisVerdict> =>
    attempt(deps, { name: 'reportDiagnosis', label: 'report' }, async () => {
      const { workflowId = '', runId = '' } = Context.current().info.workflowExecution ?? {};
      const outcome = await readDiagnosis(store, { workflowId, runId }, result);
      const reported = await composed(store, outcome, request, rules ?? undefined);
      const files = await writeDiagnosis(runFolder(stateDir, workflowId), reported);
      const { gates, served, verdict } = reported.report;
      return {
        verdict,
        gates: [...(served?.findings ?? []), ...gates].map(({ name, reason, verdict: own }) => ({
          name,
          verdict: own,
          reason,
        })),
        files,
        json: await recordReport(store, reported.report),
      };
    });
}
