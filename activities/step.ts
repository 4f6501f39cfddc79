import { join } from 'node:path';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { ArtifactRef, Digest } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { Heartbeat } from '../schemas/heartbeat.ts';
import type { StepOutcome } from '../schemas/workflow.ts';
import { cacheKeyOf, codeVersion, runStep } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';

/** How often a running step says that it lives; the worker may send it less often. */
const heartbeatMilliseconds = 500;

export interface Step {
  name: string;
  /** What is worked on, for people. */
  label: string;
  /** Library folders and packages whose change makes old results stale. */
  uses: readonly string[];
  packages?: readonly string[];
  parameters: Record<string, unknown>;
  seed: number | null;
  inputs: Record<string, ArtifactRef>;
}

export interface StepContext {
  /** Aborted when the activity is cancelled or the worker shuts down. */
  signal: AbortSignal;
  cacheKey: Digest;
  /** The heartbeat of the attempt before this one. */
  previous: Heartbeat | undefined;
  progress(done: number, total: number): void;
  checkpoint(checkpoint: NonNullable<Heartbeat['checkpoint']>): void;
}

/** Heartbeats from now on until `stop`, with what was said last. */
function startHeartbeat(label: string) {
  const context = Context.current();
  const previous = context.info.heartbeatDetails as Heartbeat | undefined;
  // A retry must not lose the checkpoint that the attempt before it reached.
  const checkpoint = previous?.checkpoint ? { checkpoint: previous.checkpoint } : {};
  let latest: Heartbeat = { label, done: 0, total: 0, ...checkpoint };
  const beat = () => context.heartbeat(latest);
  beat();
  const timer = setInterval(beat, heartbeatMilliseconds);
  return {
    previous,
    progress(done: number, total: number) {
      latest = { ...latest, done, total };
    },
    checkpoint(reached: NonNullable<Heartbeat['checkpoint']>) {
      latest = { ...latest, checkpoint: reached };
      beat();
    },
    stop: () => clearInterval(timer),
  };
}

/** Heartbeats of an activity that has no progress to tell. @returns ends them */
export function alive(label: string): () => void {
  return startHeartbeat(label).stop;
}

/** A full disk and a spent budget stay so until a person acts, and the same command then takes up the work where it was. */
const hopeless = new Set<string>([
  ErrorCode.Cancelled,
  ErrorCode.Storage,
  ErrorCode.Budget,
  ErrorCode.ArtifactNotHere,
  ErrorCode.SourceRefused,
  // The workflow knows when to ask again.
  ErrorCode.RegistryBusy,
  ErrorCode.PlaceLost,
]);

/** What one host lacks another may have: so many attempts, this far apart, find one that does. */
const elsewhere = new Set<string>([ErrorCode.ArtifactNotHere, ErrorCode.SourceRefused]);
const mostHosts = 10;
const elsewhereMs = 1000;

/** What Temporal is to see of an error: a stable type, and whether trying again can help. */
export function asFailure(error: unknown): unknown {
  const { cancellationSignal, cancellationDetails } = Context.current();
  if (cancellationSignal.aborted) {
    if (cancellationDetails?.cancelRequested)
      return new CancelledFailure('the step was cancelled', [], error as Error);
    return ApplicationFailure.retryable('the worker was shut down', 'WORKER_SHUTDOWN');
  }
  if (!(error instanceof GuardError)) return error;
  if (elsewhere.has(error.code) && Context.current().info.attempt < mostHosts) {
    const { code: type, message } = error;
    return ApplicationFailure.create({ type, message, nextRetryDelay: elsewhereMs });
  }
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable: error.code.startsWith('BAD_') || hopeless.has(error.code),
    cause: error.cause instanceof Error ? error.cause : undefined,
  });
}

/** A message that names a model of the store by its digest in place of the folder where it was laid out. */
export function inWords(message: string, { store }: ActivityDeps, { digest }: ArtifactRef): string {
  const folder = `${join(store.checkouts, digest.replace('sha256:', ''))}/`;
  return message.replaceAll(folder, `model ${digest.slice(0, 23)}: `);
}

function clearly(error: unknown, deps: ActivityDeps, { model }: Step['inputs']): unknown {
  if (!(error instanceof GuardError) || !model) return error;
  return new GuardError(error.code, inWords(error.message, deps, model), { cause: error.cause });
}

/**
 * Does a step's work with heartbeats, once: equal steps are taken from the store. Errors become failures that Temporal
 * retries or not by their code.
 */
export async function durably<Result>(
  deps: ActivityDeps,
  step: Step,
  work: (context: StepContext) => Promise<{ outputs: Record<string, ArtifactRef>; result: Result }>,
): Promise<StepOutcome<Result>> {
  const heartbeat = startHeartbeat(step.label);
  const { inputs, name, packages, parameters, seed, uses } = step;
  try {
    const spec = {
      step: name,
      codeVersion: await codeVersion(
        [...uses, 'activities', 'pictures', 'random', 'schemas', 'store'],
        packages,
      ),
      parameters,
      seed,
      inputs,
    };
    const { previous, progress, checkpoint } = heartbeat;
    const signal = Context.current().cancellationSignal;
    const context = { signal, cacheKey: cacheKeyOf(spec), previous, progress, checkpoint };
    return await runStep(deps.store, spec, () => work(context));
  } catch (error) {
    throw asFailure(clearly(error, deps, inputs));
  } finally {
    heartbeat.stop();
  }
}
