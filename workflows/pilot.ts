import { workflowInfo } from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { reaches } from '../schemas/levels.ts';
import type { StageRecord } from '../schemas/report.ts';
import type {
  GateFinding,
  MixedIn,
  PilotRefs,
  PilotRequest,
  PilotResult,
  RobustifyRequest,
} from '../schemas/workflow.ts';
import { decisionsUnder } from './decision.ts';
import { diagnoseModel, type Ingested, ingest } from './diagnosis.ts';
import { inEvidence } from './evidence.ts';
import { stepsOfPilot } from './expected.ts';
import { Stages, type Track } from './stages.ts';
import { stepsOf } from './steps.ts';
import { augment, trainModel } from './training.ts';

/**
 * Short trainings on growing shares of the data, one after the other so that none slows down another's steps, and a small
 * diagnosis of each and of the model as it is.
 */
export async function pilotModel(
  track: Track,
  request: PilotRequest,
  { model: base, splits }: Ingested,
): Promise<PilotRefs & { finding: GateFinding }> {
  const { model, pilot, seed, steps: plan, training } = request;
  const attack = { ...request.diagnosis.attack, kinds: [] };
  const { level } = request.diagnosis;
  // Attacks say nothing about the traffic's misinformation.
  const heuristics = reaches(level, 'L3') ? { level: 'L2' as const } : {};
  const diagnosis = { ...request.diagnosis, ...heuristics, samples: pilot.samples, attack };
  const small = { ...request, diagnosis };
  const diagnose = (one: ArtifactRef) => diagnoseModel(track, small, one, splits.test);
  const points: Parameters<ReturnType<typeof stepsOf>['pilot']>[0]['points'] = [
    { share: 0, steps: 0, diagnosis: await diagnose(base) },
  ];
  let secondsPerStep: number | null = null;
  let mix: MixedIn | undefined;
  for (const share of [...pilot.shares].sort((a, b) => a - b)) {
    const steps = Math.max(1, Math.round(share * pilot.steps));
    if (steps === points.at(-1)!.steps) continue;
    const short = { ...request, training: { ...training, steps } };
    const rows = await augment(track, short, base, splits.train);
    const trained = await trainModel(track, short, base, rows.augmented);
    mix = rows.mix;
    secondsPerStep = trained.secondsPerStep;
    points.push({ share, steps, diagnosis: await diagnose(trained.trained) });
  }
  const { outputs, result } = await track(
    stepsOf(plan).pilot({
      model,
      seed,
      batch: training.batch,
      steps: training.steps,
      train: splits.train,
      ...(mix ? { mix } : {}),
      points,
    }),
  );
  return { pilot: outputs.pilot!, secondsPerStep, finding: result };
}

/** Asks whether the real training may begin, under the run's policy. A pilot that made things worse is a no. */
export async function askAfterPilot(
  stages: Pick<Stages<string>, 'waits'>,
  request: RobustifyRequest,
  finding: GateFinding,
): Promise<StageRecord> {
  const gate: StageRecord = { stage: 'pilot', share: 0, ...finding, approval: null };
  const { figures, reason, verdict } = gate;
  if (verdict === 'fail') return gate;
  const decisions = decisionsUnder(request, async (waiting) => stages.waits(waiting));
  const { workflowId } = workflowInfo();
  gate.approval = await decisions.ask({
    workflowId,
    stage: 'pilot',
    next: 'train',
    verdict,
    reason,
    figures,
  });
  return gate;
}

/** Why the real training does not begin; null: it may. */
export function refusalOf({ approval, reason }: StageRecord): string | null {
  if (approval === null) return `pilot: ${reason}`;
  return approval.decision === 'reject' ? `pilot: rejected by ${approval.by}: ${approval.comment}` : null;
}

/** A pilot alone: nothing is rolled out, and nobody is asked. */
export function pilot(request: PilotRequest): Promise<PilotResult> {
  return inEvidence(() => pilotAlone(request));
}

async function pilotAlone(request: PilotRequest): Promise<PilotResult> {
  const stages = new Stages(request.model, ['ingest', 'pilot'] as const, stepsOfPilot(request));
  const ingested = await stages.stage('ingest', (track) =>
    ingest(track, request, ['train', 'test', 'heldout']),
  );
  const made = await stages.stage('pilot', (track) => pilotModel(track, request, ingested));
  return { ...made, model: ingested.model, manifests: stages.manifests, ...stages.account() };
}
