import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { GuardConfig } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { GrpcCode, grpcCode, refusal } from './failures.ts';

/** Versions of workers: which one new runs go to. */

type Version = NonNullable<GuardConfig['worker']['deployment']>;

/** Where this is asked, and by whom. */
interface Asking {
  client: Client;
  namespace: string;
  config: GuardConfig;
}

/** Which builds of a deployment take new runs; null: none. */
export interface Routing {
  deployment: string;
  /** The build of the configuration. */
  buildId: string;
  current: string | null;
  ramping: { buildId: string; percent: number } | null;
}

/** Null: the configuration names no deployment. */
export async function routingOf({ client, config, namespace }: Asking): Promise<Routing | null> {
  const version = config.worker.deployment;
  if (version === null) return null;
  const { buildId, name: deploymentName } = version;
  const none = { deployment: deploymentName, buildId, current: null, ramping: null };
  try {
    const { workerDeploymentInfo } = await client.workflowService.describeWorkerDeployment({
      namespace,
      deploymentName,
    });
    const routing = workerDeploymentInfo?.routingConfig;
    const ramping = routing?.rampingDeploymentVersion?.buildId;
    return {
      ...none,
      current: routing?.currentDeploymentVersion?.buildId || null,
      ramping: ramping ? { buildId: ramping, percent: routing?.rampingVersionPercentage ?? 0 } : null,
    };
  } catch (error) {
    // It is made by its first worker.
    if (grpcCode(error) === GrpcCode.NotFound) return none;
    throw error;
  }
}

/** What a person has to know of the routing; null: new runs go to the build of the configuration. */
export async function routingNote(asking: Asking): Promise<string | null> {
  const routing = await routingOf(asking);
  if (routing === null) return null;
  const { buildId, current, deployment, ramping } = routing;
  if (current === null) {
    return (
      `The deployment "${deployment}" has no current version: its workers get nothing to do. ` +
      `\`modality-guard worker deploy --current\` makes build "${buildId}" current.`
    );
  }
  if (current === buildId) return null;
  const share = ramping?.buildId === buildId ? `${ramping.percent} % of the new runs` : 'no new runs';
  return (
    `Build "${current}" of the deployment "${deployment}" is current; build "${buildId}" gets ${share}. ` +
    '`modality-guard worker deploy --current` makes it current, `--ramp <percent>` gives it a share.'
  );
}

/** The version of a worker with this configuration. Throws GuardError BAD_CONFIG where there is none. */
export function versionIn({ worker }: GuardConfig): Version {
  if (worker.deployment) return worker.deployment;
  const message =
    'the configuration names no deployment: "worker.deployment" takes {"name": "...", "buildId": "..."}';
  throw new GuardError(ErrorCode.BadConfig, message);
}

/** How long a version that a worker has just brought may be unknown. */
const knownMs = 15_000;

/**
 * Makes a build of the configuration's deployment current, or gives it a share of the new runs; without a build that of the
 * configuration. Throws GuardError BAD_CONFIG where there is no deployment, BAD_INPUT where no worker of the build was ever seen.
 */
export async function deployVersion(
  asking: Asking,
  { buildId: asked, percent }: { buildId?: string; percent: number | null },
): Promise<Routing> {
  const { client, config, namespace } = asking;
  const { buildId: own, name: deploymentName } = versionIn(config);
  const buildId = asked ?? own;
  const { workflowService } = client;
  const change = { namespace, deploymentName, buildId, identity: client.options.identity };
  for (const end = Date.now() + knownMs; ; await sleep(500)) {
    try {
      if (percent === null) await workflowService.setWorkerDeploymentCurrentVersion(change);
      else await workflowService.setWorkerDeploymentRampingVersion({ ...change, percentage: percent });
      break;
    } catch (error) {
      const { code, details = '' } = refusal(error) ?? {};
      if (/already current/.test(details)) {
        const message = `build "${buildId}" of the deployment "${deploymentName}" is current: it gets all new runs; a share is for another build`;
        throw new GuardError(ErrorCode.BadInput, message, { cause: error });
      }
      const unknown = code === GrpcCode.NotFound || code === GrpcCode.FailedPrecondition;
      if (!unknown) throw error;
      if (Date.now() < end) continue;
      const message =
        `the server knows no worker of build "${buildId}" of the deployment "${deploymentName}" (${details}): ` +
        'start one, then deploy it';
      throw new GuardError(ErrorCode.BadInput, message, { cause: error });
    }
  }
  return (await routingOf(asking)) as Routing;
}

/** On a server of our own there is nobody else: the first version becomes current by itself. */
export async function settleVersion(asking: Asking, log: (line: string) => void): Promise<void> {
  const routing = await routingOf(asking);
  if (routing === null || routing.current !== null) return;
  await deployVersion(asking, { percent: null });
  log(`Build "${routing.buildId}" of the deployment "${routing.deployment}" is current now.`);
}
