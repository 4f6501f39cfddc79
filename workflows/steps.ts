import { type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { StepOptions } from '../schemas/config.ts';
import { type StepName, type StepPlan, stepNames } from '../schemas/workflow.ts';

/** Changes to the registry, under the options of the step `registry`. */
const registryActionNames = ['proposeModel', 'routeRequests', 'promoteModel', 'rollBackModel'] as const;

/** What others wait for: while it waits itself for a place in the worker, the other places soon have nothing to do. */
const first: ReadonlySet<StepName> = new Set(['perturb']);

/** Of all attempts of a step: what is away for longer than this does not come back by waiting. */
const scheduleToCloseSeconds = 604_800;

/** Attempts have no number: each says itself whether trying again can help, and the whole has a limit. */
function activityOptions(name: StepName, options: StepOptions): ActivityOptions {
  return {
    summary: name,
    ...(first.has(name) ? { priority: { priorityKey: 1 } } : {}),
    startToCloseTimeout: options.startToCloseSeconds * 1000,
    scheduleToCloseTimeout: (options.scheduleToCloseSeconds ?? scheduleToCloseSeconds) * 1000,
    heartbeatTimeout: options.heartbeatSeconds * 1000,
    retry: {
      initialInterval: options.backoffSeconds * 1000,
      backoffCoefficient: 2,
      maximumInterval: options.backoffSeconds * 30_000,
    },
  };
}

/** The activities, each with the time-outs and retries that the plan gives its step. */
export function stepsOf(plan: StepPlan): Activities {
  // A run that was planned before a step existed never calls it.
  const proxies = stepNames
    .filter((name) => plan[name])
    .map((name) => {
      const options = activityOptions(name, plan[name]);
      return [name, proxyActivities<Activities>(options)[name]] as const;
    });
  const changes = activityOptions('registry', plan.registry);
  const actions = registryActionNames.map((name) => {
    return [name, proxyActivities<Activities>({ ...changes, summary: name })[name]] as const;
  });
  return Object.fromEntries([...proxies, ...actions]) as unknown as Activities;
}
