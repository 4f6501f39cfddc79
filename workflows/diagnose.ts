import type { DiagnoseRequest, DiagnoseResult } from '../schemas/workflow.ts';
import { diagnoseModel, ingest } from './diagnosis.ts';
import { Stages } from './stages.ts';

/** A diagnosis alone: of a model folder, or, nightly, of the registered champion. */
export async function diagnose(request: DiagnoseRequest): Promise<DiagnoseResult> {
  const stages = new Stages(request.model, ['ingest', 'diagnose'] as const);
  const { model, splits } = await stages.stage('ingest', (track) => ingest(track, request));
  const diagnosis = await stages.stage('diagnose', (track) =>
    diagnoseModel(track, request, model, splits.test),
  );
  return { model, diagnosis, manifests: stages.manifests, ...stages.account() };
}
