import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { Worker } from '@temporalio/worker';
import { z } from 'zod';
import { type ArtifactRef, MediaType } from '../schemas/artifact.ts';
import { stateFolder } from '../schemas/config.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { KeptHistory } from '../schemas/history.ts';
import { workflowIds } from '../schemas/workflow.ts';
import {
  ArtifactStore,
  auditBundle,
  canonicalJson,
  findReferences,
  sealBundle,
  writeAtomically,
} from '../store/index.ts';
import { clearly } from './failures.ts';
import { collectHistories, fromServer } from './histories.ts';
import { quietly, workflowCode } from './run.ts';
import type { Session } from './session.ts';
import { checkVacant, fillVacant } from './vacant-folder.ts';

const Bundle = z.strictObject({
  kind: z.literal('audit-bundle'),
  workflowId: z.string(),
  exportedAt: z.string(),
  /** Version of the workflow SDK that wrote the histories. */
  sdk: z.string(),
  histories: z.array(
    // In the bundle: it may come from somebody else.
    z.strictObject({
      file: z.string().regex(/^histories\/[\w.-]+$/),
      workflowId: z.string(),
      runId: z.string(),
      type: z.string(),
    }),
  ),
});

const sdkVersion = (
  createRequire(import.meta.url)('@temporalio/workflow/package.json') as { version: string }
).version;
const fileName = (text: string) => text.replaceAll(/[^\w.-]+/g, '_');

export interface AuditExport {
  folder: string;
  histories: number;
  manifests: number;
  artifacts: number;
}

/**
 * Writes everything that proves a run: histories of its workflows, of their children and of the model's registry, the
 * steps' manifests, the list of every artifact, and the digests of all these files.
 */
export async function auditExport(
  session: Session,
  { out, workflowId }: { workflowId: string; out: string },
): Promise<AuditExport> {
  const folder = resolve(out);
  await checkVacant(folder);
  const model = workflowId.split('/')[1] ?? '';
  const histories = await clearly(async () => {
    const found: KeptHistory[] = [];
    const registry = { workflowId: workflowIds.registry(model), optional: true };
    for await (const one of collectHistories(fromServer(session.client), [{ workflowId }, registry]))
      found.push(one);
    return found;
  });
  const counts = await fillVacant(folder, (into) => writeBundle(session.store, into, workflowId, histories));
  return { folder, ...counts };
}

async function writeBundle(
  store: ArtifactStore,
  folder: string,
  workflowId: string,
  histories: KeptHistory[],
) {
  const write = async (path: string, bytes: Uint8Array) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeAtomically(join(folder, path), (sink) => sink(bytes));
  };
  const artifacts = new Map<string, ArtifactRef>();
  const listed: z.infer<typeof Bundle>['histories'] = [];
  for (const { json, runId, type, workflowId } of histories) {
    const file = `histories/${fileName(workflowId)}_${runId}.json`;
    await write(file, Buffer.from(json));
    listed.push({ file, workflowId, runId, type });
    for (const { ref } of findReferences(JSON.parse(json))) artifacts.set(ref.digest, ref);
  }
  const manifests = [...artifacts.values()].filter(({ mediaType }) => mediaType === MediaType.Step);
  for (const ref of manifests) {
    const bytes = await store.get(ref);
    const { step } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { step: string };
    await write(`manifests/${fileName(step)}_${ref.digest.slice(7, 23)}.json`, bytes);
  }
  const refs = [...artifacts.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  await write('artifacts.json', Buffer.from(canonicalJson(refs)));
  const bundle = {
    kind: 'audit-bundle',
    workflowId,
    exportedAt: new Date().toISOString(),
    sdk: sdkVersion,
    histories: listed,
  };
  await write('bundle.json', Buffer.from(canonicalJson(bundle)));
  await sealBundle(folder);
  return { histories: histories.length, manifests: manifests.length, artifacts: refs.length };
}

/** A JSON file of a bundle. @throws GuardError BadInput naming it */
async function readPart<T>(file: string, what: string, parse: (json: unknown) => T): Promise<T> {
  try {
    return parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    const message = `${file}: not ${what} (${(cause as Error).message}); \`audit export\` writes one`;
    throw new GuardError(ErrorCode.BadInput, message, { cause });
  }
}

export interface AuditReplay {
  replayed: string[];
  failures: { workflowId: string; message: string }[];
}

/** Replays a bundle's histories with the workflow code of now. Needs no server. @throws GuardError BadInput naming a bad file */
export async function auditReplay({ folder }: { folder: string }): Promise<AuditReplay> {
  const file = join(resolve(folder), 'bundle.json');
  const { histories } = await readPart(file, 'an audit bundle', (json) => Bundle.parse(json));
  const kept = await Promise.all(
    histories.map(async ({ file, workflowId }) => ({
      workflowId,
      history: await readPart(join(resolve(folder), file), 'a history', (json) => json),
    })),
  );
  return replayHistories(kept);
}

/** Replays histories, as JSON, with the workflow code of now. */
export async function replayHistories(
  histories: { workflowId: string; history: unknown }[],
): Promise<AuditReplay> {
  quietly();
  const result: AuditReplay = { replayed: [], failures: [] };
  const replays = Worker.runReplayHistories(
    await workflowCode(),
    histories as Parameters<typeof Worker.runReplayHistories>[1],
  );
  for await (const { error, workflowId } of replays) {
    result.replayed.push(workflowId);
    if (error) result.failures.push({ workflowId, message: error.message });
  }
  return result;
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
  return {
    checked: files + artifacts,
    problems: problems.map(({ message, where }) => ({ file: where, problem: message })),
  };
}
