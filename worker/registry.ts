import { cp } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type ArtifactRef, MediaType, ModelManifest } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { RegistryState } from '../schemas/registry.ts';
import { registryClient } from './registry-client.ts';
import type { Session } from './session.ts';
import { checkVacant, fillVacant } from './vacant-folder.ts';

/** null: no model of this name was registered. */
export function registryState(session: Session, model: string): Promise<RegistryState | null> {
  return registryClient(session.client).state(model);
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

async function find(session: Session, which: string, model: string): Promise<ArtifactRef> {
  const hex = /^(?:sha256:)?([0-9a-f]{8,64})$/.exec(which)?.[1];
  if (hex !== undefined) return findByDigest(session, hex);
  const state = await registryState(session, model);
  if (state === null) {
    const message = `no model named "${model}" is registered yet; \`modality-guard run\` registers one`;
    throw new GuardError(ErrorCode.BadInput, message);
  }
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
