import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  patched,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { RolloutStage } from '../schemas/config.ts';
import type { RolloutRequest, RolloutStatus } from '../schemas/workflow.ts';
import { stepsOf } from './steps.ts';

/** A challenger's place in the registry, beside the champion that it is compared with. */
export interface Place {
  champion: ArtifactRef;
  /** Throws what `isLost` tells where another one has the place, or the champion is another. */
  route(stage: RolloutStage, share: number): Promise<void>;
  promote(reason: string): Promise<void>;
  /** Gives everything back to the champion; does nothing where another challenger has the place. */
  rollBack(reason: string): Promise<void>;
  /** Does work, and keeps the place meanwhile. */
  holding<T>(work: () => Promise<T>): Promise<T>;
}

/** How long a place is kept without a sign of life. A third of it passes between two signs. */
const leaseSeconds = 3600;
/** From the first wait for a free place to the longest one between two questions. */
const [firstWait, longestWait] = [10_000, 600_000];

/** Whether a step failed because the registry holds another challenger or champion by now. */
export const isLost = (error: unknown): boolean => refusalOf(error, 'PLACE_LOST') !== null;

/** Takes the challenger's place, waiting while another rollout has it, for as long as the policy waits for people. */
export async function takePlace(request: RolloutRequest, status: RolloutStatus): Promise<Place> {
  const { challenger, model: name, policy, steps: plan } = request;
  const change = { name, model: challenger, from: workflowInfo().workflowId };
  if (!patched('one challenger at a time')) return placeOfBefore(request);
  const { promoteModel, proposeModel, rollBackModel, routeRequests } = stepsOf(plan);
  const sign = { ...change, leaseSeconds, reason: 'a new challenger' };
  /** What is asked for is waited for: a place that was given to a rollout that is gone would stay taken. */
  const proposed = () => CancellationScope.nonCancellable(() => proposeModel(sign));
  const end = Date.now() + policy.approvalTimeoutSeconds * 1000;
  let champion: ArtifactRef | null = null;
  for (let wait = firstWait; champion === null; wait = Math.min(2 * wait, longestWait)) {
    try {
      champion = await proposed();
    } catch (error) {
      status.waitsFor = refusalOf(error, 'REGISTRY_BUSY');
      if (status.waitsFor === null || Date.now() >= end) throw error;
      await sleep(Math.max(1, Math.min(wait, end - Date.now())));
    }
  }
  status.waitsFor = null;
  const against = { ...change, champion: champion.digest };
  return {
    champion,
    async route(stage, share) {
      await routeRequests({ ...against, leaseSeconds, stage, share, reason: `stage ${stage}` });
    },
    async promote(reason) {
      await promoteModel({ ...against, reason });
    },
    async rollBack(reason) {
      await rollBackModel({ ...change, reason });
    },
    async holding(work) {
      const signs = new CancellationScope();
      const signing = signs.run(async () => {
        for (;;) {
          await sleep((leaseSeconds * 1000) / 3);
          await proposeModel({ ...sign, renew: true });
        }
      });
      // A place that is lost shows at the next stage.
      const ended = signing.catch(() => undefined);
      try {
        return await work();
      } finally {
        signs.cancel();
        await ended;
      }
    },
  };
}

/** Rollouts that began before places were kept change the registry by one activity, and ask nobody. */
async function placeOfBefore({ challenger, champion, model: name, steps }: RolloutRequest): Promise<Place> {
  const { registry } = stepsOf(steps);
  const change = { name, model: challenger, from: workflowInfo().workflowId };
  await registry({ action: 'propose', ...change, reason: 'a new challenger' });
  return {
    champion,
    async route(stage, share) {
      await registry({ action: 'route', ...change, stage, share, reason: `stage ${stage}` });
    },
    async promote(reason) {
      await registry({ action: 'promote', ...change, reason });
    },
    async rollBack(reason) {
      await registry({ action: 'rollback', ...change, reason });
    },
    holding: (work) => work(),
  };
}

/** The registry's words where it refused a step's change for this reason. */
function refusalOf(error: unknown, code: 'REGISTRY_BUSY' | 'PLACE_LOST'): string | null {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure)) return null;
  return error.cause.type === code ? error.cause.message : null;
}
