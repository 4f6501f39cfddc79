import { randomUUID } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { resolve } from 'node:path';
import { comparableIn, type RegistryClient } from '../activities/index.ts';
import { type ArtifactRef, MediaType, ModelManifest } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { type RegistryEvent, type RegistryState, TrailPart } from '../schemas/registry.ts';
import { workflowIds } from '../schemas/workflow.ts';
import { clearly, isNotFound } from './failures.ts';
import { checkOwn, checkRunning, howEnded } from './known.ts';
import { registryClient } from './registry-client.ts';
import type { Session } from './session.ts';
import { checkVacant, fillVacant } from './vacant-folder.ts';

/** null: no model of this name was registered. */
export function registryState(session: Session, model: string): Promise<RegistryState | null> {
  return registryOf(session).state(model);
}

/** The registries as commands reach them: through whichever worker answers. */
function registryOf(session: Session): RegistryClient {
  const { answered, client, log } = session;
  const registry = registryClient(client, session.taskQueue);
  const described = async (name: string) => {
    const found = await client.workflow.getHandle(workflowIds.registry(name)).describe();
    checkOwn(session, found);
    return found;
  };
  return {
    state: (name) =>
      clearly(async () => {
        try {
          const ended = howEnded(await described(name));
          if (ended !== null) log(`${ended}; this is what it held.`);
        } catch (error) {
          // What is not there needs nobody to say so.
          if (isNotFound(error)) return null;
          throw error;
        }
        return answered(() => registry.state(name));
      }),
    apply: (call) =>
      clearly(async () => {
        // In place of one that has ended, an empty one would begin.
        checkRunning(await described(call.name));
        return answered(() => registry.apply(call), { change: true });
      }),
  };
}

export interface ExportOptions {
  /** champion, challenger, previous, an alias, or a digest (8 hex digits of it or more). */
  which: string;
  model?: string;
  out: string;
}

/** Writes a model folder in the Hugging Face ONNX layout that runs without us. */
export async function exportModel(
  session: Session,
  options: ExportOptions,
): Promise<{ folder: string; digest: string; files: number }> {
  const folder = resolve(options.out);
  await checkVacant(folder);
  const ref = await find(session, options.which, options.model ?? session.config.model.name);
  const source = await session.store.checkoutModel(ref);
  await fillVacant(folder, (into) => cp(source, into, { recursive: true }));
  const manifest = await session.store.getJson(ref, ModelManifest);
  return { folder, digest: ref.digest, files: Object.keys(manifest.files).length };
}

/** Who changes a model's registry by a command, and why. */
export interface PersonalChange {
  /** champion, challenger, previous, an alias, or a digest (8 hex digits of it or more). */
  which: string;
  model?: string;
  by: string;
  comment: string;
}

/** Makes a model the champion without a rollout. Throws GuardError REGISTRY_BUSY while a rollout leads a challenger. */
export function promoteModel(session: Session, change: PersonalChange): Promise<RegistryState> {
  return changeRegistry(session, 'promote', change);
}

/** Gives the champion's predecessor its place back. Throws GuardError as `promoteModel`, and BAD_INPUT where there is none. */
export function restorePrevious(
  session: Session,
  change: Omit<PersonalChange, 'which'>,
): Promise<RegistryState> {
  return changeRegistry(session, 'promote', { ...change, which: 'previous' });
}

const reserved: readonly string[] = ['champion', 'challenger', 'previous'];

/** Gives a model a name of its own. Throws GuardError BAD_INPUT where the name is none. */
export function aliasModel(session: Session, alias: string, change: PersonalChange): Promise<RegistryState> {
  if (!/^[a-z][\w.-]{0,62}$/i.test(alias) || reserved.includes(alias) || /^[0-9a-f]{8,}$/.test(alias)) {
    const message = `"${alias}" cannot be an alias: expected a letter and then letters, digits, ".", "_" or "-", at most 63, and none of ${reserved.join(', ')}`;
    throw new GuardError(ErrorCode.BadInput, message);
  }
  return changeRegistry(session, 'alias', change, { alias });
}

async function changeRegistry(
  session: Session,
  kind: 'promote' | 'alias',
  { by, comment, model, which }: PersonalChange,
  more: { alias?: string } = {},
): Promise<RegistryState> {
  if (comment.trim() === '') {
    throw new GuardError(ErrorCode.BadConfig, 'a change of the registry needs its reason: --comment <text>');
  }
  const name = model ?? session.config.model.name;
  const registry = registryOf(session);
  const ref = await find(session, which, name);
  if ((await registry.state(name)) === null) throw nothingRegistered(name);
  const identity = await comparableIn(session.store, ref);
  const change = {
    model: ref,
    from: by,
    reason: comment.trim(),
    direct: true as const,
    ...identity,
    ...more,
  };
  return registry.apply({ kind, name, change, requestId: randomUUID() });
}

/** Every event of a model's registry, the oldest first, and whether some are kept in Temporal's histories alone. */
export async function registryHistory(
  session: Session,
  name: string,
): Promise<{ events: RegistryEvent[]; complete: boolean }> {
  const { store } = session;
  const state = await registryOf(session).state(name);
  if (state === null) throw nothingRegistered(name);
  const parts = [state.events];
  for (let ref = state.trail ?? null; ref !== null; ) {
    const part = await store.getJson(ref, TrailPart);
    parts.unshift(part.events);
    ref = part.previous;
  }
  const events = parts.flat();
  return { events, complete: events[0]?.kind === 'registered' };
}

function nothingRegistered(name: string): GuardError {
  const message = `no model named "${name}" is registered yet; \`modality-guard run\` registers one`;
  return new GuardError(ErrorCode.BadInput, message);
}

async function find(session: Session, which: string, model: string): Promise<ArtifactRef> {
  const hex = /^(?:sha256:)?([0-9a-f]{8,64})$/.exec(which)?.[1];
  if (hex !== undefined) return findByDigest(session, hex);
  const state = await registryState(session, model);
  if (state === null) throw nothingRegistered(model);
  const named = { champion: state.champion, challenger: state.challenger, previous: state.previous };
  const entry = named[which as keyof typeof named];
  if (entry) return entry.model;
  const alias = state.aliases[which];
  if (alias !== undefined) return findByDigest(session, alias.replace('sha256:', ''));
  const known = [
    ...Object.keys(named).filter((name) => named[name as keyof typeof named]),
    ...Object.keys(state.aliases),
  ];
  throw new GuardError(
    ErrorCode.BadInput,
    `${model} has no "${which}" now; it has ${known.join(', ') || 'nothing'}`,
  );
}

async function findByDigest({ store }: Session, hex: string): Promise<ArtifactRef> {
  const found: ArtifactRef[] = [];
  for await (const { bytes, digest } of store.list()) {
    if (digest.startsWith(`sha256:${hex}`)) found.push({ digest, bytes, mediaType: MediaType.Model });
  }
  const [ref] = found;
  if (ref !== undefined && found.length === 1) {
    await store.getJson(ref, ModelManifest).catch((cause) => {
      throw new GuardError(ErrorCode.BadInput, `${ref.digest} is no model`, { cause });
    });
    return ref;
  }
  const message = ref
    ? `${hex}: several artifacts begin so; give more digits`
    : `${hex}: there is no such model`;
  throw new GuardError(ErrorCode.BadInput, message);
}
