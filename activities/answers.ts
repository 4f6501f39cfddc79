import { Context } from '@temporalio/activity';
import { endpointFile, isEndpoint, openEndpoint, predictInThread } from '../models/index.ts';
import { type ArtifactRef, ModelManifest } from '../schemas/artifact.ts';
import type { PerturbedSample, Prediction } from '../schemas/benchmark.ts';
import type { EndpointUse } from '../schemas/endpoint.ts';
import type { ArtifactStore } from '../store/index.ts';
import type { ActivityDeps } from './deps.ts';

/** Whose answers of an endpoint count. */
export interface Asking {
  /** Names the run that asks: its retries, and a run that takes it up after it broke off, find its answers again. */
  run: string;
  /** Answers to earlier runs count as well. */
  reuse?: boolean;
}

/** Without any, what is asked belongs to the run of this workflow. */
export function askingOf(asking: Asking | undefined): Asking {
  return asking ?? { run: Context.current().info.workflowExecution?.runId ?? '' };
}

/** Whether a model of the store stands behind an address: then its digest names the address, not the model. */
export async function isServed(store: ArtifactStore, model: ArtifactRef): Promise<boolean> {
  return endpointFile in (await store.getJson(model, ModelManifest)).files;
}

/** Waiting for a server blocks nothing: an endpoint is asked from this thread, where all steps share its pace and budget. */
export async function answers(
  { device, stateDir, threads }: ActivityDeps,
  folder: string,
  samples: PerturbedSample[],
  context: { asking: Asking; signal: AbortSignal; progress?: (done: number, total: number) => void },
): Promise<{ predictions: Prediction[]; use: EndpointUse | null }> {
  const { asking, progress, signal } = context;
  const watch = { signal, onProgress: (p: { done: number; total: number }) => progress?.(p.done, p.total) };
  if (!isEndpoint(folder))
    return { predictions: await predictInThread(folder, samples, { device, threads, ...watch }), use: null };
  const endpoint = await openEndpoint(folder, stateDir);
  try {
    return await endpoint.answer(samples, { ...asking, ...watch });
  } finally {
    await endpoint.close();
  }
}
