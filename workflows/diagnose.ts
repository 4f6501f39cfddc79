import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { DiagnoseRequest, DiagnoseResult, DiagnosisVerdict } from '../schemas/workflow.ts';
import { askingOf, diagnoseModel, ingest } from './diagnosis.ts';
import { inEvidence } from './evidence.ts';
import { stepsOfDiagnosis } from './expected.ts';
import { within } from './limit.ts';
import { verdictAttribute } from './messages.ts';
import { Stages, type Track } from './stages.ts';
import { stepsOf } from './steps.ts';
import { scheduleOfRun, tell, tellingOfFailure } from './tell.ts';

const stageNames = ['ingest', 'diagnose', 'report'] as const;

/** A diagnosis alone: of a model folder, or, nightly, of the registered champion; then it writes its report itself. */
export function diagnose(request: DiagnoseRequest): Promise<DiagnoseResult> {
  return inEvidence(() => tellingOfFailure(request.model, () => diagnosisAlone(request)));
}

async function diagnosisAlone(request: DiagnoseRequest): Promise<DiagnoseResult> {
  const stages = new Stages(
    request.model,
    request.report ? stageNames : stageNames.slice(0, 2),
    stepsOfDiagnosis(request),
  );
  return within(
    request.limitSeconds,
    () => stages.underway(),
    () => diagnosed(stages, request),
  );
}

async function diagnosed(
  stages: Stages<(typeof stageNames)[number]>,
  request: DiagnoseRequest,
): Promise<DiagnoseResult> {
  const { data, diagnosis: config, model: name, packs, report: asked, seed } = request;
  const { model, splits } = await stages.stage('ingest', (track) => ingest(track, request));
  const { diagnosis, ...looked } = await stages.stage('diagnose', (track) =>
    request.served
      ? servedModel(track, request, model, splits.test)
      : diagnoseModel(track, request, model, splits.test).then((found) => ({ diagnosis: found })),
  );
  const { accounts, manifests } = stages;
  const result = { model, diagnosis, ...looked, manifests, accounts, ...stages.account() };
  if (!asked) return result;
  const report = await stages.stage('report', () =>
    stepsOf(request.steps).reportDiagnosis({
      request: { data, model: name, seed, diagnosis: config, ...(packs ? { packs } : {}) },
      result,
      rules: asked.rules,
    }),
  );
  upsertSearchAttributes([{ key: verdictAttribute, value: report.verdict }]);
  if (report.verdict === 'fail' && scheduleOfRun() !== null) await tellOfRules(name, report);
  return { ...result, report };
}

/** A broken rule is a finding: the night has done its work. */
function tellOfRules(model: string, { gates }: DiagnosisVerdict): Promise<void> {
  const { workflowId } = workflowInfo();
  const broken = gates.filter(({ verdict }) => verdict === 'fail');
  return tell('rules', {
    kind: 'rule_broken',
    model,
    message: `${workflowId}: ${broken.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}`,
    commands: [`modality-guard report ${workflowId}`, `modality-guard status ${workflowId}`],
  });
}

/** A model behind an address, with which one it was at the start and at the end. */
async function servedModel(track: Track, request: DiagnoseRequest, model: ArtifactRef, test: ArtifactRef) {
  const { firstLook, lastLook } = stepsOf(request.steps);
  const { run } = askingOf(request);
  const first = await track(firstLook({ model, run }));
  const diagnosis = await diagnoseModel(track, request, model, test);
  const nightly = request.report !== undefined;
  const last = await track(lastLook({ model, run, first: first.result, name: request.model, nightly }));
  return { diagnosis, served: last.result };
}
