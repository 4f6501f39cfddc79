import { createHash } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { identityOf } from '../models/index.ts';
import { type ArtifactRef, ModelManifest } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { type Comparable, incomparable, type TrailPart } from '../schemas/registry.ts';
import type { ArtifactStore } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';
import { attempt } from './step.ts';

export interface Change {
  name: string;
  model: ArtifactRef;
  from: string;
  reason: string;
  /** Digest of the champion that the model was compared with. */
  champion?: string;
  leaseSeconds?: number;
  /** Keeps a place, and takes none. */
  renew?: true;
}
export type RegistryInput =
  | { action: 'champion'; name: string }
  /** Fails where `model` cannot be compared with the champion; gives the champion, where there is none `model`. */
  | { action: 'compare'; name: string; model: ArtifactRef }
  /** Makes `model` the champion if there is none; gives the champion that `challenger` has to beat. */
  | (Change & { action: 'register'; challenger: ArtifactRef })
  | (Change & { action: 'propose' | 'promote' | 'rollback' })
  | (Change & { action: 'route'; stage: string; share: number });

/** Asks or changes a model's registry. @returns the champion */
export function registry(deps: ActivityDeps) {
  return (input: RegistryInput): Promise<ArtifactRef> =>
    attempt(deps, { name: 'registry', label: `registry of ${input.name}` }, ({ signal }) =>
      apply(deps, input, signal),
    );
}

/** What `registry` does, each action by a name of its own, so that a replay tells them apart. */
export function registryActions(deps: ActivityDeps) {
  const act = registry(deps);
  return {
    proposeModel: (change: Change) => act({ action: 'propose', ...change }),
    routeRequests: (change: Change & { stage: string; share: number }) => act({ action: 'route', ...change }),
    promoteModel: (change: Change) => act({ action: 'promote', ...change }),
    rollBackModel: (change: Change) => act({ action: 'rollback', ...change }),
    /** Keeps events of a registry's trail in the store. */
    keepTrail: (part: TrailPart) => deps.store.putJson(part),
  };
}

async function apply(deps: ActivityDeps, input: RegistryInput, signal: AbortSignal): Promise<ArtifactRef> {
  const { action, name } = input;
  if (action === 'champion') {
    const state = await deps.registry.state(name, signal);
    if (state?.champion) return state.champion.model;
    const message = `the registry has no champion named "${name}": give a model folder, or run \`modality-guard run\` first`;
    throw new GuardError(ErrorCode.BadInput, message);
  }
  const identity = await comparableIn(deps.store, input.model);
  if (action === 'compare' || action === 'register' || action === 'propose' || action === 'promote') {
    const current = (await deps.registry.state(name, signal))?.champion;
    const known = current?.fingerprint ? current : current && (await comparableIn(deps.store, current.model));
    const problem = known ? incomparable(name, known, identity) : null;
    if (problem) throw new GuardError(ErrorCode.BadInput, problem);
    if (action === 'compare') return current?.model ?? input.model;
  }
  const { champion, from, leaseSeconds, model, reason, renew } = input;
  const held = {
    ...(champion === undefined ? {} : { champion }),
    ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
    ...(renew ? { renew } : {}),
  };
  const route = action === 'route' ? { stage: input.stage, share: input.share } : {};
  const { info } = Context.current();
  const caller = [info.workflowExecution?.workflowId, info.workflowExecution?.runId, info.activityId];
  const requestId = createHash('sha256').update(JSON.stringify(caller)).digest('hex');
  const state = await deps.registry.apply(
    {
      kind: action,
      name,
      change: { model, from, reason, ...identity, ...route, ...held },
      requestId,
    },
    signal,
  );
  const current = state.champion?.model ?? model;
  // A run that is repeated must not compare its own model with itself, but with what it began with.
  if (action === 'register' && current.digest === input.challenger.digest) return model;
  return current;
}

/** Nothing for a model whose files are not in this store. */
export async function comparableIn(store: ArtifactStore, model: ArtifactRef): Promise<Comparable> {
  if (!(await store.has(model))) return {};
  const { files } = await store.getJson(model, ModelManifest);
  return identityOf(async (file) => {
    const ref = files[file];
    return ref ? store.get(ref) : null;
  });
}
