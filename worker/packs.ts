import { PackSet } from '../schemas/levels.ts';
import type { DiagnoseRequest } from '../schemas/workflow.ts';
import type { ArtifactStore } from '../store/index.ts';

/** The request with the packs that it asks for, which go into the store. */
export async function withPacks<Request extends DiagnoseRequest>(
  request: Request,
  set: PackSet,
  store: ArtifactStore,
): Promise<Request> {
  if (set.packs.length === 0 && set.tasks.length === 0) return request;
  return { ...request, packs: await store.putJson(PackSet.parse(set)) };
}
