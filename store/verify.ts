import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ArtifactRef, type Digest, ModelManifest, StepManifest } from '../schemas/artifact.ts';
import type { ArtifactDriver } from './driver.ts';

export interface StoreProblem {
  /** `changed`: bytes do not match the digest; `missing`: something refers to it; `unreadable`: the disk or the text. */
  kind: 'changed' | 'missing' | 'unreadable';
  digest: Digest;
  /** Names the place, what is wrong and, for `missing`, who refers to it. */
  message: string;
}

/** Only small JSON objects can be manifests. */
const manifestBytes = 4 * 1024 * 1024;
const Manifest = z.union([ModelManifest, StepManifest]);
/** What the index holds for a cache key. */
export const IndexEntry = z.strictObject({ cacheKey: z.string(), manifest: ArtifactRef });

/** Every artifact that a manifest names, with the words for it. */
function references(manifest: ModelManifest | StepManifest): [string, ArtifactRef][] {
  const named = (what: string, refs: Record<string, ArtifactRef>) =>
    Object.entries(refs).map(([name, ref]): [string, ArtifactRef] => [`${what} "${name}"`, ref]);
  if (manifest.kind === 'model') return named(`file of model ${manifest.name}:`, manifest.files);
  return [
    ...named(`input of step ${manifest.step}:`, manifest.inputs),
    ...named(`output of step ${manifest.step}:`, manifest.outputs),
  ];
}

function parseManifest(bytes: Uint8Array): ModelManifest | StepManifest | undefined {
  if (bytes[0] !== 0x7b) return undefined;
  try {
    return Manifest.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

async function missingReference(
  driver: ArtifactDriver,
  ref: ArtifactRef,
  by: string,
): Promise<StoreProblem | undefined> {
  const size = await driver.size(ref.digest);
  if (size === ref.bytes) return undefined;
  const what = size === undefined ? 'missing' : `${size} bytes long, not ${ref.bytes}`;
  const kind = size === undefined ? 'missing' : 'changed';
  return { kind, digest: ref.digest, message: `${by} is ${what} ${driver.locate(ref.digest)}` };
}

/** Hashes one object; hands back its bytes if they may be a manifest. */
async function checkObject(
  driver: ArtifactDriver,
  digest: Digest,
  bytes: number,
): Promise<{ problem?: StoreProblem; content?: Uint8Array }> {
  const hash = createHash('sha256');
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of driver.stream(digest)) {
      hash.update(chunk);
      if (bytes <= manifestBytes) chunks.push(chunk);
    }
  } catch (error) {
    const message = `cannot be read ${driver.locate(digest)}: ${error instanceof Error ? error.message : String(error)}`;
    return { problem: { kind: 'unreadable', digest, message } };
  }
  const found = `sha256:${hash.digest('hex')}`;
  if (found === digest) return { content: Buffer.concat(chunks) };
  const message = `bytes were changed ${driver.locate(digest)}: they now have digest ${found}`;
  return { problem: { kind: 'changed', digest, message } };
}

async function checkIndexEntry(driver: ArtifactDriver, key: Digest): Promise<StoreProblem | undefined> {
  try {
    const entry = IndexEntry.parse(
      JSON.parse(Buffer.from((await driver.readIndex(key)) ?? []).toString('utf8')),
    );
    if (entry.cacheKey !== key) throw new Error(`it is for cache key ${entry.cacheKey}`);
    return await missingReference(driver, entry.manifest, `manifest of cache key ${key}`);
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    return {
      kind: 'unreadable',
      digest: key,
      message: `index entry of cache key ${key} is unusable: ${reason}`,
    };
  }
}

/** Hashes every object, follows the references of every manifest and the index; yields what is wrong. */
export async function* verifyStore(driver: ArtifactDriver): AsyncGenerator<StoreProblem> {
  for await (const { digest, bytes } of driver.objects()) {
    const { problem, content } = await checkObject(driver, digest, bytes);
    if (problem) yield problem;
    const manifest = content && parseManifest(content);
    if (!manifest) continue;
    for (const [name, ref] of references(manifest)) {
      const missing = await missingReference(driver, ref, `${name} (named by ${digest})`);
      if (missing) yield missing;
    }
  }
  for await (const key of driver.indexKeys()) {
    const problem = await checkIndexEntry(driver, key);
    if (problem) yield problem;
  }
}
