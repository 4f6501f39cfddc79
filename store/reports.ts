import type { ArtifactRef } from '../schemas/artifact.ts';
import type { ArtifactStore } from './artifacts.ts';
import { digestOf } from './canonical.ts';
import { cacheKeyOf } from './step.ts';

/** What names a report; all else of it is JSON. */
interface Report {
  workflowId: string;
  runId: string;
}

const specOf = ({ runId, workflowId }: Report) => ({
  step: 'reported',
  codeVersion: '1',
  parameters: { workflowId, runId },
  seed: null,
  inputs: {},
});

/** Puts a run's report into the store, where a copy of it can be checked. */
export async function recordReport(store: ArtifactStore, report: Report): Promise<ArtifactRef> {
  const ref = await store.putJson(report);
  const spec = specOf(report);
  const cacheKey = cacheKeyOf(spec);
  const startedAt = new Date().toISOString();
  const outputs = { report: ref };
  await store.recordStep({ kind: 'step', ...spec, cacheKey, outputs, result: null, startedAt, seconds: 0 });
  return ref;
}

/** `unknown`: the store does not know the run. Spaces and the order of keys do not count. */
export async function checkReport(
  store: ArtifactStore,
  report: Report,
): Promise<{ state: 'same' | 'changed' | 'unknown'; digest: string; recorded: string | null }> {
  const digest = digestOf(report);
  const recorded =
    (await store.findStep(cacheKeyOf(specOf(report))))?.manifest.outputs.report?.digest ?? null;
  const state = recorded === null ? 'unknown' : recorded === digest ? 'same' : 'changed';
  return { state, digest, recorded };
}
