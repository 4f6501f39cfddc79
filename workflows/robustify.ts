import { executeChild, ParentClosePolicy, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import {
  type RobustifyRequest,
  type RobustifyResult,
  robustifyStages,
  WorkflowName,
  workflowIds,
} from '../schemas/workflow.ts';
import { diagnoseModel, ingest } from './diagnosis.ts';
import { modelAttribute, verdictAttribute } from './messages.ts';
import type { rollout } from './rollout.ts';
import { stagesOf } from './stages.ts';
import { stepsOf } from './steps.ts';
import { trainModel } from './training.ts';

/**
 * Diagnoses a model, trains it on perturbed pairs, diagnoses the result, rolls it out in stages against the champion,
 * and writes the report.
 */
export async function robustify(request: RobustifyRequest): Promise<RobustifyResult> {
  const stages = stagesOf(request.model, robustifyStages);
  const steps = stepsOf(request.steps);

  const { model: base, splits } = await stages.stage('ingest', (track) => ingest(track, request));
  const before = await stages.stage('diagnose', (track) => diagnoseModel(track, request, base, splits.test));
  const augmented = await stages.stage('augment', (track) =>
    track(steps.augment({ train: splits.train, model: base, config: request.training, seed: request.seed })),
  );
  const { trained, losses } = await stages.stage('train', (track) =>
    trainModel(track, request, base, augmented.outputs),
  );
  const after = await stages.stage('evaluate', (track) =>
    diagnoseModel(track, request, trained, splits.test),
  );

  const rolledOut = await stages.stage('rollout', async () => {
    const champion = await steps.registry({
      action: 'register',
      name: request.model,
      model: base,
      challenger: trained,
      from: workflowInfo().workflowId,
      reason: 'the model that this run began with',
    });
    const outcome = await executeChild<typeof rollout>(WorkflowName.Rollout, {
      workflowId: workflowIds.rollout(workflowInfo().workflowId),
      args: [
        {
          model: request.model,
          champion,
          challenger: trained,
          traffic: splits.heldout,
          seed: request.seed,
          policy: request.policy,
          steps: request.steps,
        },
      ],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      typedSearchAttributes: [{ key: modelAttribute, value: request.model }],
    });
    for (const account of outcome.accounts) stages.add('rollout', account);
    stages.outcome(outcome.result.outcome);
    upsertSearchAttributes([{ key: verdictAttribute, value: outcome.result.outcome }]);
    return outcome;
  });

  return stages.stage('report', async () => {
    const { artifacts, html, json } = await steps.report({
      request: { model: request.model, seed: request.seed },
      model: { base, trained },
      before,
      after,
      losses,
      augmented: augmented.outputs,
      rollout: { result: rolledOut.result, artifacts: rolledOut.artifacts },
      ...stages.account(),
      parameters: { diagnosis: request.diagnosis, training: request.training, policy: request.policy },
    });
    const { outcome, reason } = rolledOut.result;
    const manifests = [...stages.manifests, ...rolledOut.manifests];
    return { outcome, reason, model: { base, trained }, report: { html, json }, artifacts, manifests };
  });
}
