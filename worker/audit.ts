import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { type ArtifactRef, MediaType, StepManifest } from '../schemas/artifact.ts';
import { stateFolder } from '../schemas/config.ts';
import {
  ArtifactStore,
  auditBundle,
  canonicalJson,
  findReferences,
  sealBundle,
  writeAtomically,
} from '../store/index.ts';
import { type Bundle, bundleName, readBundle } from './bundle.ts';
import { evidenceOf, type FoundHistory, isUnreadable, type Lacking } from './evidence.ts';
import { clearly, isNotFound } from './failures.ts';
import { describeOwn } from './known.ts';
import { workflowDigest } from './run.ts';
import type { Session } from './session.ts';
import { checkVacant, fillVacant } from './vacant-folder.ts';

const sdkVersion = (
  createRequire(import.meta.url)('@temporalio/workflow/package.json') as { version: string }
).version;
const fileName = (text: string) => text.replaceAll(/[^\w.-]+/g, '_');

export interface AuditExport {
  folder: string;
  histories: number;
  manifests: number;
  artifacts: number;
  /** What should be in the bundle and is not. */
  problems: Lacking[];
}

/**
 * Writes everything that proves a run: histories of its workflows, of their children and of the model's registry, the
 * steps' manifests, the list of every artifact, and the digests of all these files. What the server has forgotten comes from the store.
 */
export async function auditExport(
  session: Pick<Session, 'client' | 'store' | 'taskQueue'>,
  { out, workflowId }: { workflowId: string; out: string },
): Promise<AuditExport> {
  const folder = resolve(out);
  await checkVacant(folder);
  await describeOwn(session, workflowId).catch((error: Error) => {
    // What the server has forgotten may still be in the store.
    if (!isNotFound(error.cause)) throw error;
  });
  const { histories, problems } = await clearly(() => evidenceOf(session, workflowId));
  const counts = await fillVacant(folder, (into) =>
    writeBundle(session.store, into, workflowId, histories, problems),
  );
  return { folder, ...counts, problems };
}

async function writeBundle(
  store: ArtifactStore,
  folder: string,
  workflowId: string,
  histories: FoundHistory[],
  problems: Lacking[],
) {
  const write = async (path: string, bytes: Uint8Array) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeAtomically(join(folder, path), (sink) => sink(bytes));
  };
  const artifacts = new Map<string, ArtifactRef>();
  const listed: Bundle['histories'] = [];
  for (const { json, ...execution } of histories) {
    const file = `histories/${fileName(execution.workflowId)}_${execution.runId}.json`;
    await write(file, Buffer.from(json));
    const { code, ended, from, runId, type, workflowId } = execution;
    listed.push({ file, workflowId, runId, type, code, from, ended });
    for (const { ref } of findReferences(JSON.parse(json))) artifacts.set(ref.digest, ref);
  }
  const manifests = [...artifacts.values()].filter(({ mediaType }) => mediaType === MediaType.Step);
  for (const ref of manifests) {
    try {
      const { inputs, outputs, step } = await store.getJson(ref, StepManifest);
      await write(`manifests/${fileName(step)}_${ref.digest.slice(7, 23)}.json`, await store.get(ref));
      for (const inner of [...Object.values(inputs), ...Object.values(outputs)])
        artifacts.set(inner.digest, inner);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      problems.push({ what: ref.digest, problem: error.message });
    }
  }
  const refs = [...artifacts.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const told = new Set(problems.map(({ what }) => what));
  for (const ref of refs) {
    if (told.has(ref.digest) || (await store.has(ref))) continue;
    problems.push({ what: ref.digest, problem: `the store lacks this artifact (${ref.mediaType})` });
  }
  await write('artifacts.json', Buffer.from(canonicalJson(refs)));
  const bundle: Bundle = {
    kind: 'audit-bundle',
    workflowId,
    exportedAt: new Date().toISOString(),
    sdk: sdkVersion,
    code: await workflowDigest(),
    histories: listed,
    problems,
  };
  await write(bundleName, Buffer.from(canonicalJson(bundle)));
  await sealBundle(folder);
  return { histories: histories.length, manifests: manifests.length, artifacts: refs.length };
}

export interface AuditVerify {
  /** Files and artifacts whose bytes were hashed. */
  checked: number;
  problems: { file: string; problem: string }[];
}

/** Checks every byte of a bundle and of the artifacts that it names. Needs no server. */
export async function auditVerify({
  folder,
  storeDir,
}: {
  folder: string;
  storeDir?: string;
}): Promise<AuditVerify> {
  const store = await ArtifactStore.open(storeDir ?? resolve(stateFolder, 'store'));
  const { artifacts, files, problems } = await auditBundle(store, resolve(folder));
  // A bundle that cannot be read is among the problems already.
  const { problems: lacking = [] } = await readBundle(resolve(folder)).catch(() => ({ problems: [] }));
  return {
    checked: files + artifacts,
    problems: [
      ...lacking.map(({ problem, what }) => ({ file: what, problem })),
      ...problems.map(({ message, where }) => ({ file: where, problem: message })),
    ],
  };
}
