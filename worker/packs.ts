import { type PackSources, packSetOf } from '../ingest/index.ts';
import { PackSet } from '../schemas/levels.ts';
import type { DiagnoseRequest } from '../schemas/workflow.ts';
import type { ArtifactStore } from '../store/index.ts';

/**
 * The request with the packs that it asks for, which go into the store. @throws GuardError BadConfig naming the file and what is
 * wrong in it
 */
export async function withPacks<Request extends DiagnoseRequest>(
  request: Request,
  sources: PackSources,
  store: ArtifactStore,
): Promise<Request> {
  const set = await packSetOf(request.diagnosis, sources);
  if (set.packs.length === 0 && set.tasks.length === 0) return request;
  return { ...request, packs: await store.putJson(PackSet.parse(set)) };
}
