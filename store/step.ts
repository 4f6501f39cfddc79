import type { z } from 'zod';
import type { ArtifactRef, Digest } from '../schemas/artifact.ts';
import type { ArtifactStore } from './artifacts.ts';
import { canonicalJson, digestOf } from './canonical.ts';

export interface StepSpec {
  /** The step's name. */
  step: string;
  /** Changes whenever the code that does the work does: see `codeVersion`. */
  codeVersion: string;
  parameters: Record<string, unknown>;
  seed: number | null;
  inputs: Record<string, ArtifactRef>;
}

export interface StepOutcome<R> {
  outputs: Record<string, ArtifactRef>;
  /** Small and JSON; it is kept in the manifest. */
  result: R;
}

export interface StepRun<R> extends StepOutcome<R> {
  cached: boolean;
  /** Seconds of work, 0 for a step taken from the cache. */
  seconds: number;
  manifest: ArtifactRef;
}

/** Digest of step name, code version, parameters, seed and input digests. */
export function cacheKeyOf(spec: StepSpec): Digest {
  const { step, codeVersion, parameters, seed } = spec;
  const inputs = Object.fromEntries(Object.entries(spec.inputs).map(([name, ref]) => [name, ref.digest]));
  return digestOf({ step, codeVersion, parameters, seed, inputs });
}

/**
 * Does a step's work once: if the same code has done it with the same parameters, seed and inputs, and its outputs
 * are still there, takes those; otherwise works and records what was done. A step that fails leaves no record.
 * @param resultSchema checks a result that comes from the cache
 */
export async function runStep<R>(
  store: ArtifactStore,
  spec: StepSpec,
  work: () => Promise<StepOutcome<R>>,
  resultSchema?: z.ZodType<R>,
): Promise<StepRun<R>> {
  const cacheKey = cacheKeyOf(spec);
  const hit = await recall(store, cacheKey, resultSchema);
  if (hit) return hit;
  const startedAt = new Date();
  const began = performance.now();
  const { outputs, result } = await work();
  const seconds = (performance.now() - began) / 1000;
  // As the cache will give it back, so that nothing depends on whether it came from there.
  const plain = JSON.parse(canonicalJson(result ?? null)) as R;
  const manifest = await store.recordStep({
    kind: 'step',
    ...spec,
    cacheKey,
    outputs,
    result: plain,
    startedAt: startedAt.toISOString(),
    seconds,
  });
  return { outputs, result: plain, cached: false, seconds, manifest };
}

async function recall<R>(
  store: ArtifactStore,
  cacheKey: Digest,
  resultSchema: z.ZodType<R> | undefined,
): Promise<StepRun<R> | undefined> {
  const found = await store.findStep(cacheKey);
  if (!found) return undefined;
  const { outputs } = found.manifest;
  for (const ref of Object.values(outputs)) {
    if (!(await store.has(ref))) return undefined;
  }
  const result = resultSchema
    ? resultSchema.safeParse(found.manifest.result).data
    : (found.manifest.result as R);
  if (resultSchema && result === undefined) return undefined;
  return { outputs, result: result as R, cached: true, seconds: 0, manifest: found.ref };
}
