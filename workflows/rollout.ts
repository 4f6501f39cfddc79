import {
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import { type RolloutStage, rolloutStages } from '../schemas/config.ts';
import type { RolloutPlan, RolloutResult, StageRecord } from '../schemas/report.ts';
import type {
  GateFinding,
  RolloutOutcome,
  RolloutRequest,
  RolloutStatus,
  StepOutcome,
} from '../schemas/workflow.ts';
import { type Decisions, decisionsUnder } from './decision.ts';
import { inEvidence } from './evidence.ts';
import {
  gateSignal,
  modelAttribute,
  rolloutStatusQuery,
  stageAttribute,
  verdictAttribute,
} from './messages.ts';
import { isLost, type Place, takePlace } from './place.ts';
import { stepsOf } from './steps.ts';

/** What the registry says to gateways, by stage: the share of requests that is the challenger's. */
const shares: readonly { stage: RolloutStage; share: number }[] = [
  { stage: 'offline', share: 0 },
  { stage: 'shadow', share: 0 },
  { stage: 'canary-5', share: 0.05 },
  { stage: 'canary-25', share: 0.25 },
  { stage: 'canary-50', share: 0.5 },
  { stage: 'full', share: 1 },
];

type End = Pick<RolloutResult, 'outcome' | 'reason'>;

/**
 * Leads a challenger through the stages that the held-out requests allow for. Each replays a window of its own through both models and
 * ends at a gate; where the policy wants it before the next stage, or the figures do not decide, a person does. A failed gate or a no
 * gives everything back to the champion.
 */
export function rollout(request: RolloutRequest): Promise<RolloutOutcome> {
  return inEvidence(() => throughStages(request));
}

async function throughStages(request: RolloutRequest): Promise<RolloutOutcome> {
  const account: Omit<RolloutOutcome, 'result'> = { artifacts: {}, manifests: [], accounts: [] };
  const status = openStatus(request);
  const decisions = decisionsUnder(request, announceTo(status));

  const { champion, end } = await led(request, status, account, decisions);
  status.outcome = end.outcome;
  status.stage = null;
  status.share = end.outcome === 'promoted' ? 1 : 0;
  upsertSearchAttributes([{ key: verdictAttribute, value: end.outcome }]);
  const { policy, challenger } = request;
  const models = { champion: champion.digest, challenger: challenger.digest };
  const planned = status.plan ? { plan: status.plan } : {};
  return {
    ...account,
    result: { ...end, policy: policy.name, ...planned, ...models, stages: status.stages },
  };
}

/** Comparisons that are begun anew because the place or the champion changed under them. */
const mostTries = 5;

/** Leads the challenger to its end, from the beginning where the registry has another champion or challenger by then. */
async function led(
  request: RolloutRequest,
  status: RolloutStatus,
  account: Omit<RolloutOutcome, 'result'>,
  decisions: Decisions,
): Promise<{ champion: ArtifactRef; end: End }> {
  for (let tries = 1; ; tries++) {
    const place = await takePlace(request, status);
    try {
      const compared = against(request, place.champion);
      const end = await place.holding(() => leadThrough(compared, status, account, decisions, place));
      if (end.outcome === 'promoted') await place.promote(end.reason);
      else await place.rollBack(end.reason);
      return { champion: compared.champion, end };
    } catch (error) {
      if (isLost(error) && tries < mostTries) {
        status.stages = [];
        continue;
      }
      const reason = isCancellation(error)
        ? 'the rollout was cancelled'
        : `the rollout broke off: ${String(error)}`;
      await CancellationScope.nonCancellable(() => place.rollBack(reason));
      throw error;
    }
  }
}

/**
 * The request with the champion that the registry has now: it has not been asked the rehearsal's samples. A run that is repeated
 * is compared with what it began with, not with its own model.
 */
function against(request: RolloutRequest, champion: ArtifactRef): RolloutRequest {
  const { challenger, champion: first, rehearsal } = request;
  if ([first.digest, challenger.digest].includes(champion.digest)) return request;
  return { ...request, champion, ...(rehearsal ? { rehearsal: { ...rehearsal, champion: null } } : {}) };
}

async function leadThrough(
  request: RolloutRequest,
  status: RolloutStatus,
  account: Omit<RolloutOutcome, 'result'>,
  decisions: Decisions,
  place: Place,
): Promise<End> {
  status.plan = await planOf(request, account);
  const stages = shares.filter(({ stage }) => status.plan?.stages.includes(stage) ?? true);
  let passedInARow = 0;
  for (const [i, { stage, share }] of stages.entries()) {
    status.stage = stage;
    status.share = share;
    upsertSearchAttributes([
      { key: modelAttribute, value: request.model },
      { key: stageAttribute, value: stage },
    ]);
    await place.route(stage, share);
    const window = status.plan && { index: i, of: stages.length, passedInARow };
    const finding = await measure(request, { stage, share, place: window }, account);
    const record: StageRecord = { stage, share, ...finding, approval: null };
    status.stages.push(record);
    upsertSearchAttributes([{ key: verdictAttribute, value: finding.verdict }]);
    if (finding.verdict === 'fail') return { outcome: 'rolled_back', reason: `${stage}: ${finding.reason}` };

    passedInARow = finding.verdict === 'pass' ? passedInARow + 1 : 0;
    const next = stages[i + 1]?.stage ?? null;
    const policyAsks = between(stage, next).some((one) => request.policy.approvals.includes(one));
    if (finding.verdict === 'inconclusive' || policyAsks) {
      const { verdict, reason, figures } = finding;
      const { workflowId } = workflowInfo();
      record.approval = await decisions.ask({ workflowId, stage, next, verdict, reason, figures });
      const { decision, by, comment } = record.approval;
      if (decision === 'reject')
        return { outcome: 'rejected', reason: `${stage}: rejected by ${by}: ${comment}` };
    }
  }
  return { outcome: 'promoted', reason: 'every stage was passed or approved' };
}

/** The stages that begin after `stage`, up to and with `next`; null: up to the promotion. A stage that is left out is approved with the next. */
function between(stage: RolloutStage, next: RolloutStage | null): readonly RolloutStage[] {
  const end = next === null ? rolloutStages.length : rolloutStages.indexOf(next) + 1;
  return rolloutStages.slice(rolloutStages.indexOf(stage) + 1, end);
}

/** Keeps account of one step; returns its outcome unchanged. */
function trackIn({ accounts, manifests }: Omit<RolloutOutcome, 'result'>) {
  return async <R>(step: Promise<StepOutcome<R>>): Promise<StepOutcome<R>> => {
    const outcome = await step;
    accounts.push({ seconds: outcome.seconds, cached: outcome.cached });
    manifests.push(outcome.manifest);
    return outcome;
  };
}

/** Null for rollouts that began, or whose request was made, before stages were planned: those go through all of them. */
async function planOf(
  { champion, policy, rehearsal, seed, steps: stepPlan, traffic }: RolloutRequest,
  account: Omit<RolloutOutcome, 'result'>,
): Promise<RolloutPlan | null> {
  if (!rehearsal || !patched('stages on requests of their own')) return null;
  const steps = stepsOf(stepPlan);
  const track = trackIn(account);
  const asked = async () => {
    const { samples } = rehearsal;
    return (await track(steps.predict({ label: 'plan, champion', model: champion, samples }))).outputs;
  };
  const answers = { ...rehearsal, champion: rehearsal.champion ?? (await asked()) };
  const { margins, requests } = policy;
  const input = { traffic, model: champion, rehearsal: answers, policy: { margins, requests }, seed };
  return (await track(steps.planRollout(input))).result;
}

/** A stage, and which of the planned ones it is; null: they were not planned. */
interface Measured {
  stage: RolloutStage;
  share: number;
  place: { index: number; of: number; passedInARow: number } | null;
}

/** Replays a stage's requests through both models and lets the gate judge the answers. */
async function measure(
  { challenger, champion, perturbing, policy, seed, steps: stepPlan, traffic }: RolloutRequest,
  { place, share, stage }: Measured,
  account: Omit<RolloutOutcome, 'result'>,
): Promise<GateFinding> {
  const { artifacts } = account;
  const steps = stepsOf(stepPlan);
  const track = trackIn(account);
  const window = place && { window: { index: place.index, of: place.of } };
  const { outputs } = await track(
    steps.replayTraffic({
      stage,
      traffic,
      model: champion,
      count: policy.requests,
      seed,
      ...window,
      ...(perturbing ? { perturbing } : {}),
    }),
  );
  // Each stage asks anew what stands behind an address.
  const asking = { run: `${workflowInfo().firstExecutionRunId}/${stage}` };
  const answered = async (kind: 'clean' | 'disturbed') => {
    const samples = outputs[kind]!;
    const [old, fresh] = await Promise.all([
      track(steps.predict({ label: `${stage}, champion`, model: champion, samples, asking })),
      track(steps.predict({ label: `${stage}, challenger`, model: challenger, samples, asking })),
    ]);
    const tables = {
      requests: samples,
      champion: old.outputs.predictions!,
      challenger: fresh.outputs.predictions!,
    };
    for (const [name, table] of Object.entries(tables)) artifacts[`rollout/${stage}/${kind}/${name}`] = table;
    return tables;
  };
  const [clean, disturbed] = await Promise.all([answered('clean'), answered('disturbed')]);
  const { margins } = policy;
  const gate = await track(
    steps.gate({ stage, share, clean, disturbed, margins, ...(place ? { place } : {}) }),
  );
  return gate.result;
}

function openStatus(request: RolloutRequest): RolloutStatus {
  const status: RolloutStatus = {
    model: request.model,
    policy: request.policy.name,
    stage: null,
    share: 0,
    plan: null,
    stages: [],
    waiting: null,
    waitsFor: null,
    outcome: null,
  };
  setHandler(rolloutStatusQuery, () => status);
  return status;
}

/** Shows a waiting gate in the status, here and at the workflow that began the rollout. */
function announceTo(status: RolloutStatus) {
  return async (gate: RolloutStatus['waiting']) => {
    status.waiting = gate;
    const { parent } = workflowInfo();
    if (parent) await getExternalWorkflowHandle(parent.workflowId).signal(gateSignal, gate);
  };
}
