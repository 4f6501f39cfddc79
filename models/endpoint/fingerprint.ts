import type { Fingerprint } from '../../schemas/endpoint.ts';
import { canary } from './canary.ts';
import type { EndpointModel } from './endpoint.ts';
import { entryOf } from './entry.ts';

/**
 * What can be seen from outside of which model stands behind an address. `run` names this look: its retries find its answers.
 * Errors as in `EndpointModel.answer`.
 */
export async function fingerprintOf(
  endpoint: EndpointModel,
  run: string,
  signal: AbortSignal,
): Promise<Fingerprint> {
  const entry = await entryOf(endpoint.config, signal);
  const { predictions, use } = await endpoint.answer(canary, { run, signal });
  const { models = [], systemFingerprints = [] } = use.served ?? {};
  return {
    at: new Date().toISOString(),
    models,
    systemFingerprints,
    entry,
    canary: predictions.map(({ probabilities }) => probabilities),
  };
}
