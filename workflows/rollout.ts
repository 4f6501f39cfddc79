import {
  CancellationScope,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { RolloutStage } from '../schemas/config.ts';
import type { RolloutResult, StageRecord } from '../schemas/report.ts';
import type {
  GateFinding,
  RolloutOutcome,
  RolloutRequest,
  RolloutStatus,
  StepOutcome,
} from '../schemas/workflow.ts';
import { type Decisions, decisionsUnder } from './decision.ts';
import {
  gateSignal,
  modelAttribute,
  rolloutStatusQuery,
  stageAttribute,
  verdictAttribute,
} from './messages.ts';
import { stepsOf } from './steps.ts';

/** Share of the requests that the challenger answers, by stage. */
const plan: readonly { stage: RolloutStage; share: number }[] = [
  { stage: 'offline', share: 0 },
  { stage: 'shadow', share: 0 },
  { stage: 'canary-5', share: 0.05 },
  { stage: 'canary-25', share: 0.25 },
  { stage: 'canary-50', share: 0.5 },
  { stage: 'full', share: 1 },
];

type End = Pick<RolloutResult, 'outcome' | 'reason'>;

/**
 * Leads a challenger through the stages. Each stage replays traffic through both models and ends at a gate; where the
 * policy wants it before the next stage, or the figures do not decide, a person does. A failed gate or a no gives
 * everything back to the champion.
 */
export async function rollout(request: RolloutRequest): Promise<RolloutOutcome> {
  const account: Omit<RolloutOutcome, 'result'> = { artifacts: {}, manifests: [], accounts: [] };
  const status = openStatus(request);
  const decisions = decisionsUnder(request, announceTo(status));
  const registry = registryOf(request);

  await registry.change('propose', 'a new challenger');
  let end: End;
  try {
    end = await leadThrough(request, status, account, decisions, registry);
  } catch (error) {
    const reason = isCancellation(error)
      ? 'the rollout was cancelled'
      : `the rollout broke off: ${String(error)}`;
    await CancellationScope.nonCancellable(() => registry.change('rollback', reason));
    throw error;
  }
  await registry.change(end.outcome === 'promoted' ? 'promote' : 'rollback', end.reason);
  status.outcome = end.outcome;
  status.stage = null;
  status.share = end.outcome === 'promoted' ? 1 : 0;
  upsertSearchAttributes([{ key: verdictAttribute, value: end.outcome }]);
  const { policy, champion, challenger } = request;
  const models = { champion: champion.digest, challenger: challenger.digest };
  return { ...account, result: { ...end, policy: policy.name, ...models, stages: status.stages } };
}

async function leadThrough(
  request: RolloutRequest,
  status: RolloutStatus,
  account: Omit<RolloutOutcome, 'result'>,
  decisions: Decisions,
  registry: Registry,
): Promise<End> {
  for (const [i, { stage, share }] of plan.entries()) {
    status.stage = stage;
    status.share = share;
    upsertSearchAttributes([
      { key: modelAttribute, value: request.model },
      { key: stageAttribute, value: stage },
    ]);
    await registry.route(stage, share);
    const finding = await measure(request, stage, share, account);
    const record: StageRecord = { stage, share, ...finding, approval: null };
    status.stages.push(record);
    upsertSearchAttributes([{ key: verdictAttribute, value: finding.verdict }]);
    if (finding.verdict === 'fail') return { outcome: 'rolled_back', reason: `${stage}: ${finding.reason}` };

    const next = plan[i + 1]?.stage ?? null;
    const policyAsks = next !== null && request.policy.approvals.includes(next);
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

/** Replays a stage's requests through both models and lets the gate judge the answers. */
async function measure(
  { challenger, champion, policy, seed, steps: stepPlan, traffic }: RolloutRequest,
  stage: RolloutStage,
  share: number,
  { accounts, artifacts, manifests }: Omit<RolloutOutcome, 'result'>,
): Promise<GateFinding> {
  const steps = stepsOf(stepPlan);
  const track = async <R>(step: Promise<StepOutcome<R>>): Promise<StepOutcome<R>> => {
    const outcome = await step;
    accounts.push({ seconds: outcome.seconds, cached: outcome.cached });
    manifests.push(outcome.manifest);
    return outcome;
  };
  const { outputs } = await track(
    steps.replayTraffic({ stage, traffic, model: champion, count: policy.requests, seed }),
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
  const gate = await track(steps.gate({ stage, share, clean, disturbed, margins: policy.margins, seed }));
  return gate.result;
}

function openStatus(request: RolloutRequest): RolloutStatus {
  const status: RolloutStatus = {
    model: request.model,
    policy: request.policy.name,
    stage: null,
    share: 0,
    stages: [],
    waiting: null,
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

type Registry = ReturnType<typeof registryOf>;

function registryOf({ challenger, model: name, steps: stepPlan }: RolloutRequest) {
  const { registry } = stepsOf(stepPlan);
  const change = { name, model: challenger, from: workflowInfo().workflowId };
  return {
    change: (action: 'propose' | 'promote' | 'rollback', reason: string) =>
      registry({ action, ...change, reason }),
    route: (stage: RolloutStage, share: number) =>
      registry({ action: 'route', ...change, stage, share, reason: `stage ${stage}` }),
  };
}
