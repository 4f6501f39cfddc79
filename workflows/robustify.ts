import {
  CancellationScope,
  executeChild,
  ParentClosePolicy,
  patched,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { StageRecord } from '../schemas/report.ts';
import {
  type DiagnosisRefs,
  type PilotRefs,
  type PilotRequest,
  pilotedStages,
  type RobustifyRequest,
  type RobustifyResult,
  type RolloutOutcome,
  robustifyStages,
  WorkflowName,
  workflowIds,
} from '../schemas/workflow.ts';
import { diagnoseModel, type Ingested, ingest } from './diagnosis.ts';
import { inEvidence } from './evidence.ts';
import { stepsOfRun } from './expected.ts';
import { within } from './limit.ts';
import { modelAttribute, verdictAttribute } from './messages.ts';
import { askAfterPilot, pilotModel, refusalOf } from './pilot.ts';
import type { rollout } from './rollout.ts';
import { Stages, type Track } from './stages.ts';
import { stepsOf } from './steps.ts';
import { tellingOfFailure } from './tell.ts';
import { augment, trainModel } from './training.ts';

/**
 * Diagnoses a model, trains it on perturbed pairs, diagnoses the result, rolls it out in stages against the champion,
 * and writes the report.
 */
export function robustify(request: RobustifyRequest): Promise<RobustifyResult> {
  return inEvidence(() => tellingOfFailure(request.model, () => wholeRun(request)));
}

async function wholeRun(request: RobustifyRequest): Promise<RobustifyResult> {
  const stages = new Stages<string>(
    request.model,
    request.pilot ? pilotedStages : robustifyStages,
    stepsOfRun(request),
  );
  return within(
    request.limitSeconds,
    () => stages.underway(),
    () => robustified(stages, request),
  );
}

async function robustified(stages: Stages<string>, request: RobustifyRequest): Promise<RobustifyResult> {
  const ingested = await stages.stage('ingest', (track) =>
    ingest(track, request, ['train', 'test', 'heldout']),
  );
  const { model: base, splits } = ingested;
  if (patched('compare before the work')) {
    // A model that could never be rolled out under this name is refused before hours of training.
    await stepsOf(request.steps).registry({ action: 'compare', name: request.model, model: base });
  }
  const before = await stages.stage('diagnose', (track) => diagnoseModel(track, request, base, splits.test));
  const piloted = request.pilot
    ? await stages.stage('pilot', (track) =>
        pilotAndAsk(track, stages, { ...request, pilot: request.pilot! }, ingested),
      )
    : null;
  const refusal = piloted && refusalOf(piloted.gate);
  if (piloted && refusal !== null) return turnedDown(stages, base, piloted.refs, refusal);
  const { augmented, mix } = await stages.stage('augment', (track) =>
    augment(track, request, base, splits.train),
  );
  const { losses, secondsPerStep, trained } = await stages.stage('train', (track) =>
    trainModel(track, request, base, augmented),
  );
  const after = await stages.stage('evaluate', (track) =>
    diagnoseModel(track, request, trained, splits.test, base),
  );
  const scored = piloted && (await scorePilot(request, piloted, after));
  const rolledOut = await stages.stage('rollout', () =>
    rollOut(request, { base, challenger: trained, traffic: splits.heldout, before, after }),
  );
  for (const account of rolledOut.accounts) stages.add('rollout', account);
  stages.rolledOut('rollout', rolledOut.result);
  const { artifacts, html, json } = await stages.stage('report', () =>
    stepsOf(request.steps).report({
      request: { model: request.model, seed: request.seed },
      model: { base, trained },
      before,
      after,
      losses,
      secondsPerStep,
      augmented,
      ...(mix ? { mix: { from: mix.from, kinds: mix.kinds } } : {}),
      ...(scored ? { pilot: scored } : {}),
      rollout: { result: rolledOut.result, artifacts: rolledOut.artifacts },
      ...stages.account(),
      parameters: { diagnosis: request.diagnosis, training: request.training, policy: request.policy },
    }),
  );

  const { outcome, reason } = rolledOut.result;
  const manifests = [...stages.manifests, ...rolledOut.manifests];
  return {
    outcome,
    reason,
    model: { base, trained },
    report: { html, json },
    ...(piloted ? { pilot: piloted.refs } : {}),
    artifacts,
    manifests,
  };
}

interface Piloted {
  refs: PilotRefs;
  gate: StageRecord;
}

async function pilotAndAsk(
  track: Track,
  stages: Stages<string>,
  request: RobustifyRequest & PilotRequest,
  ingested: Ingested,
): Promise<Piloted> {
  const { finding, pilot, secondsPerStep } = await pilotModel(track, request, ingested);
  return { refs: { pilot, secondsPerStep }, gate: await askAfterPilot(stages, request, finding) };
}

/** What the pilot promised beside what the training reached, for the report. */
async function scorePilot(
  { steps: plan, training: { steps } }: RobustifyRequest,
  { gate, refs: { pilot } }: Piloted,
  { figures: after }: DiagnosisRefs,
) {
  return { figures: pilot, gate, predictions: await stepsOf(plan).score({ pilot, after, steps }) };
}

/** Nothing is trained, and the champion stays. */
function turnedDown(
  stages: Stages<string>,
  base: ArtifactRef,
  refs: PilotRefs,
  reason: string,
): RobustifyResult {
  stages.rejected();
  upsertSearchAttributes([{ key: verdictAttribute, value: 'rejected' }]);
  const { manifests } = stages;
  return {
    outcome: 'rejected',
    reason,
    model: { base, trained: null },
    report: null,
    pilot: refs,
    artifacts: { pilot: refs.pilot },
    manifests,
  };
}

interface Candidate {
  base: ArtifactRef;
  challenger: ArtifactRef;
  /** Held-out samples. */
  traffic: ArtifactRef;
  /** The diagnoses of both. */
  before: DiagnosisRefs;
  after: DiagnosisRefs;
}

/** The challenger against the registry's champion; against the base where that is the first one, or its own twin. */
async function rollOut(
  { diagnosis, model, packs, policy, seed, steps, unattended }: RobustifyRequest,
  { after, base, before, challenger, traffic }: Candidate,
): Promise<RolloutOutcome> {
  const { workflowId } = workflowInfo();
  const champion = await stepsOf(steps).registry({
    action: 'register',
    name: model,
    model: base,
    challenger,
    from: workflowId,
    reason: 'the model that this run began with',
  });
  const rolloutId = workflowIds.rollout(workflowId);
  const running = executeChild<typeof rollout>(WorkflowName.Rollout, {
    workflowId: rolloutId,
    args: [
      {
        model,
        champion,
        challenger,
        traffic,
        seed,
        policy,
        steps,
        rehearsal: {
          samples: after.samples,
          // Another champion than the base has not been asked these samples yet.
          champion: champion.digest === base.digest ? before.predictions : null,
          challenger: after.predictions,
        },
        perturbing: {
          skip: diagnosis.skip,
          ...(diagnosis.level ? { level: diagnosis.level } : {}),
          ...(packs ? { packs } : {}),
        },
        ...(unattended ? { unattended } : {}),
      },
    ],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    typedSearchAttributes: [{ key: modelAttribute, value: model }],
  });
  const rolledOut = await running.catch(async (error: unknown) => {
    if (patched('an ended rollout gives its share back')) {
      // A rollout that was terminated could not do so itself.
      const change = { name: model, model: challenger, from: rolloutId, reason: 'the rollout was ended' };
      await CancellationScope.nonCancellable(() => stepsOf(steps).rollBackModel(change));
    }
    throw error;
  });
  upsertSearchAttributes([{ key: verdictAttribute, value: rolledOut.result.outcome }]);
  return rolledOut;
}
