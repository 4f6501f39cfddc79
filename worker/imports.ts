import { filesToKeep, isEndpoint } from '../models/index.ts';
import type { ArtifactRef } from '../schemas/artifact.ts';
import type { DiagnoseRequest, TrainRequest } from '../schemas/workflow.ts';
import { type ArtifactStore, benchmarkFiles } from '../store/index.ts';

/**
 * The request with the files that it names in the store, for work that begins later, or on another host: the folders may have moved
 * by then. @throws GuardError BadInput naming a folder that cannot be read
 */
export async function imported<Request extends DiagnoseRequest>(
  store: ArtifactStore,
  request: Request,
): Promise<Request> {
  const { data, model, source } = request;
  const { mix } = request as Partial<TrainRequest>;
  return {
    ...request,
    ...('folder' in source ? { source: { artifact: await modelIn(store, source, model) } } : {}),
    data: { ...data, artifact: await benchmarkIn(store, data.folder) },
    ...(mix ? { mix: { ...mix, artifact: await benchmarkIn(store, mix.folder) } } : {}),
  };
}

async function modelIn(
  store: ArtifactStore,
  { dtype = 'auto', folder }: Extract<DiagnoseRequest['source'], { folder: string }>,
  name: string,
): Promise<ArtifactRef> {
  const kept = isEndpoint(folder) ? undefined : await filesToKeep(folder, dtype);
  return store.putModel(folder, name, kept?.files);
}

/** A folder of the benchmark's files alone, which is laid out again as a model's is. */
async function benchmarkIn(store: ArtifactStore, folder: string): Promise<ArtifactRef> {
  const files = (await benchmarkFiles(folder)).map(({ name }) => `${name}.parquet`);
  return store.putModel(folder, 'benchmark', files);
}
