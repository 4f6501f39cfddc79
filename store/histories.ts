import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { type ArtifactRef, type Digest, MediaType, type StepManifest } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { KeptHistory } from '../schemas/history.ts';
import type { ArtifactStore } from './artifacts.ts';
import { cacheKeyOf } from './step.ts';

/** Bytes of one history as JSON. A server ends an execution at 50 MB; as JSON that is more. */
export const mostHistoryBytes = 128 * 1024 * 1024;

const step = 'history';
const Recorded = z.object({
  type: z.string(),
  events: z.number(),
  ended: z.boolean(),
  startedAt: z.string(),
});
const Of = z.object({ workflowId: z.string(), runId: z.string() });
type Of = z.infer<typeof Of>;

export interface RecordedHistory extends Of, z.infer<typeof Recorded> {
  /** JSON, compressed. */
  ref: ArtifactRef;
}

const specOf = ({ runId, workflowId }: Of) => ({
  step,
  codeVersion: '1',
  parameters: { workflowId, runId },
  seed: null,
  inputs: {},
});

function recordedIn(manifest: StepManifest): RecordedHistory | null {
  const of = Of.safeParse(manifest.parameters);
  const recorded = Recorded.safeParse(manifest.result);
  const ref = manifest.outputs.history;
  return of.success && recorded.success && ref ? { ...of.data, ...recorded.data, ref } : null;
}

/** What the store holds of one execution. */
export async function recordedHistory(store: ArtifactStore, of: Of): Promise<RecordedHistory | null> {
  const found = await store.findStep(cacheKeyOf(specOf(of)));
  const recorded = found && recordedIn(found.manifest);
  return recorded && (await store.has(recorded.ref)) ? recorded : null;
}

/** Puts a history into the store. One that is there already, and as long, stays. */
export async function recordHistory(store: ArtifactStore, history: KeptHistory): Promise<RecordedHistory> {
  const { ended, events, json, runId, startedAt, type, workflowId } = history;
  const before = await recordedHistory(store, history);
  if (before && (before.ended || before.events >= events)) return before;
  const bytes = await promisify(gzip)(Buffer.from(json));
  const ref = await store.put(bytes, MediaType.History);
  const spec = specOf(history);
  const result = { type, events, ended, startedAt };
  const cacheKey = cacheKeyOf(spec);
  await store.recordStep({
    kind: 'step',
    ...spec,
    cacheKey,
    outputs: { history: ref },
    result,
    startedAt: new Date().toISOString(),
    seconds: 0,
  });
  return { workflowId, runId, ...result, ref };
}

/** Every execution of a workflow whose history the store holds. Reads the whole index. */
export async function recordedHistories(
  store: ArtifactStore,
  workflowId: string,
): Promise<RecordedHistory[]> {
  const found: RecordedHistory[] = [];
  for await (const key of store.driver.indexKeys()) {
    const manifest = (await store.findStep(key as Digest))?.manifest;
    if (manifest?.step !== step || manifest.parameters.workflowId !== workflowId) continue;
    const recorded = recordedIn(manifest);
    if (recorded && (await store.has(recorded.ref))) found.push(recorded);
  }
  return found;
}

/** @throws GuardError BadArtifact where it is missing, changed, or longer than a history can be */
export async function readHistory(
  store: ArtifactStore,
  { ref, ...of }: RecordedHistory,
): Promise<KeptHistory> {
  const bytes = await store.get(ref);
  try {
    const json = await promisify(gunzip)(bytes, { maxOutputLength: mostHistoryBytes });
    return { ...of, json: json.toString('utf8') };
  } catch (cause) {
    const message = `the history of ${of.workflowId} ${store.driver.locate(ref.digest)} cannot be unpacked to at most ${mostHistoryBytes} bytes: ${(cause as Error).message}`;
    throw new GuardError(ErrorCode.BadArtifact, message, { cause });
  }
}
