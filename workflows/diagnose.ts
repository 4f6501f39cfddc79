import { upsertSearchAttributes } from '@temporalio/workflow';
import type { DiagnoseRequest, DiagnoseResult } from '../schemas/workflow.ts';
import { diagnoseModel, ingest } from './diagnosis.ts';
import { verdictAttribute } from './messages.ts';
import { Stages } from './stages.ts';
import { stepsOf } from './steps.ts';

const stageNames = ['ingest', 'diagnose', 'report'] as const;

/** A diagnosis alone: of a model folder, or, nightly, of the registered champion; then it writes its report itself. */
export async function diagnose(request: DiagnoseRequest): Promise<DiagnoseResult> {
  const { data, model: name, report: asked, seed } = request;
  const stages = new Stages(name, asked ? stageNames : stageNames.slice(0, 2));
  const { model, splits } = await stages.stage('ingest', (track) => ingest(track, request));
  const diagnosis = await stages.stage('diagnose', (track) =>
    diagnoseModel(track, request, model, splits.test),
  );
  const result = { model, diagnosis, manifests: stages.manifests, ...stages.account() };
  if (!asked) return result;
  const report = await stages.stage('report', () =>
    stepsOf(request.steps).reportDiagnosis({
      request: { data, model: name, seed },
      result,
      rules: asked.rules,
    }),
  );
  upsertSearchAttributes([{ key: verdictAttribute, value: report.verdict }]);
  return { ...result, report };
}
