import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactRef, MediaType, StepManifest } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { ArtifactStore } from './artifacts.ts';
import { bundleFiles, sealProblems } from './bundle.ts';
import { findReferences } from './references.ts';
import { cacheKeyOf } from './step.ts';
import { errno } from './storage-errors.ts';

export interface AuditProblem {
  /** File of the bundle, and the place in it, that leads to the problem. */
  where: string;
  message: string;
}

export interface AuditResult {
  /** JSON files of the bundle that were searched for references. */
  files: number;
  /** Artifacts whose bytes were hashed. */
  artifacts: number;
  bytes: number;
  /** Empty: every byte is what the run wrote. */
  problems: AuditProblem[];
}

interface Pending {
  ref: ArtifactRef;
  where: string;
}

/** References of the bundle's own JSON files: manifests, reports, histories. */
async function referencesOf(
  folder: string,
  files: readonly string[],
  result: AuditResult,
): Promise<Pending[]> {
  const found: Pending[] = [];
  for (const file of files.filter((name) => name.endsWith('.json'))) {
    result.files++;
    try {
      const value: unknown = JSON.parse(await readFile(join(folder, file), 'utf8'));
      for (const { ref, place } of findReferences(value)) found.push({ ref, where: `${file} ${place}` });
    } catch (error) {
      result.problems.push({ where: file, message: `cannot be read as JSON: ${String(error)}` });
    }
  }
  return found;
}

/** A step's manifest must agree with itself; its references, and a model's, are followed. */
function followJson(text: string, { ref, where }: Pending, result: AuditResult): Pending[] {
  const value: unknown = JSON.parse(text);
  if (ref.mediaType === MediaType.Step) {
    const manifest = StepManifest.safeParse(value);
    if (!manifest.success) result.problems.push({ where, message: `${ref.digest} is not a step manifest` });
    else if (cacheKeyOf(manifest.data) !== manifest.data.cacheKey) {
      const message = `step manifest ${ref.digest}: its cache key is not that of its step, code, parameters and inputs`;
      result.problems.push({ where, message });
    }
  }
  return [...findReferences(value)].map((inner) => ({
    ref: inner.ref,
    where: `${ref.digest} ${inner.place}`,
  }));
}

async function checkArtifact(
  store: ArtifactStore,
  pending: Pending,
  result: AuditResult,
): Promise<Pending[]> {
  const { ref, where } = pending;
  try {
    result.artifacts++;
    result.bytes += ref.bytes;
    if (!/json$/.test(ref.mediaType)) {
      await store.path(ref);
      return [];
    }
    return followJson(Buffer.from(await store.get(ref)).toString('utf8'), pending, result);
  } catch (error) {
    result.problems.push({ where, message: error instanceof Error ? error.message : String(error) });
    return [];
  }
}

/**
 * Verifies a run bundle: its files against SHA256SUMS, and every artifact that they name, directly or through other
 * JSON artifacts, against its digest.
 * @throws GuardError BadInput if the folder cannot be read
 */
export async function auditBundle(store: ArtifactStore, folder: string): Promise<AuditResult> {
  const result: AuditResult = { files: 0, artifacts: 0, bytes: 0, problems: [] };
  let files: string[];
  try {
    files = await bundleFiles(folder);
  } catch (cause) {
    const message = `${folder}: cannot be read as a run bundle (${errno(cause)}): check the path`;
    throw new GuardError(ErrorCode.BadInput, message, { cause });
  }
  for (const { file, message } of await sealProblems(folder)) result.problems.push({ where: file, message });
  const pending = await referencesOf(folder, files, result);
  if (pending.length === 0) {
    result.problems.push({
      where: folder,
      message: 'no file of the bundle names an artifact: there is nothing to verify',
    });
  }
  const seen = new Set<string>();
  for (let next = pending.shift(); next; next = pending.shift()) {
    const key = JSON.stringify([next.ref.digest, next.ref.bytes, next.ref.mediaType]);
    if (seen.has(key)) continue;
    seen.add(key);
    pending.push(...(await checkArtifact(store, next, result)));
  }
  return result;
}
