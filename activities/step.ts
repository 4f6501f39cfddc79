import { join } from 'node:path';
import type { ArtifactRef, Digest } from '../schemas/artifact.ts';
import { GuardError } from '../schemas/errors.ts';
import type { StepName, StepOutcome } from '../schemas/workflow.ts';
import { cacheKeyOf, codeVersion, runStep } from '../store/index.ts';
import { type AttemptContext, attempt } from './attempt.ts';
import type { ActivityDeps } from './deps.ts';

export { alive, attempt } from './attempt.ts';
export { asFailure } from './failure.ts';

export interface Step {
  name: StepName;
  /** What is worked on, for people. */
  label: string;
  /** Library folders and packages whose change makes old results stale. */
  uses: readonly string[];
  packages?: readonly string[];
  parameters: Record<string, unknown>;
  seed: number | null;
  inputs: Record<string, ArtifactRef>;
}

export interface StepContext extends AttemptContext {
  cacheKey: Digest;
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

type Work<Result> = (
  context: StepContext,
) => Promise<{ outputs: Record<string, ArtifactRef>; result: Result }>;

/** Does a step's work once: equal steps are taken from the store. */
export async function once<Result>(
  deps: ActivityDeps,
  step: Step,
  attempting: AttemptContext,
  work: Work<Result>,
): Promise<StepOutcome<Result>> {
  const { inputs, name, packages, parameters, seed, uses } = step;
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
  const context = { ...attempting, cacheKey: cacheKeyOf(spec) };
  try {
    return await runStep(deps.store, spec, () => work(context));
  } catch (error) {
    throw clearly(error, deps, inputs);
  }
}

/** Does a step's work with heartbeats, once. Errors become failures that Temporal retries or not by their code. */
export function durably<Result>(
  deps: ActivityDeps,
  step: Step,
  work: Work<Result>,
): Promise<StepOutcome<Result>> {
  return attempt(deps, step, (context) => once(deps, step, context, work));
}
