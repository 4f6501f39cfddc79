import type { ArtifactRef } from '../../schemas/artifact.ts';
import type { Session } from '../../worker/index.ts';
import { registryClient } from '../../worker/registry-client.ts';

/** Makes a model the first champion of a name. */
export async function makeChampion(
  { client }: Pick<Session, 'client'>,
  model: ArtifactRef,
  name = 'tiny',
): Promise<void> {
  const change = { model, from: 'import', reason: 'the first' };
  await registryClient(client).apply({ kind: 'register', name, change, requestId: `${name} first` });
}
