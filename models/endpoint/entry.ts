import { z } from 'zod';
import type { EndpointConfig } from '../../schemas/endpoint.ts';
import { apiKeyOf } from './config.ts';
import { fetchFrom } from './fetch.ts';

/** What tells one model from another. Other keys change by themselves, as the time of creation does that many servers make up. */
const telling = [
  'root',
  'parent',
  'owned_by',
  'max_model_len',
  'context_length',
  'meta',
  'architecture',
  'quantization',
  'version',
  'revision',
  'digest',
  'hash',
  'sha256',
];

const List = z.object({ data: z.array(z.looseObject({ id: z.string() })) });
const mostBytes = 4 * 1024 * 1024;

/** What the server's list of models says of this one; null: it has no such list, or the model is not in it. */
export async function entryOf(
  config: EndpointConfig,
  signal: AbortSignal,
): Promise<Record<string, string> | null> {
  const { key } = apiKeyOf(config);
  try {
    const response = await fetchFrom(`${config.baseUrl.replace(/\/+$/, '')}/models`, {
      headers: key === '' ? {} : { authorization: `Bearer ${key}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(config.timeoutSeconds * 1000)]),
    });
    const text = response.ok ? await response.text() : '';
    if (text.length > mostBytes) return null;
    const { data } = List.parse(JSON.parse(text));
    const entry = data.find(({ id }) => id === config.model);
    if (!entry) return null;
    return Object.fromEntries(
      telling.flatMap((name) => (name in entry ? [[name, shortOf(entry[name])]] : [])),
    );
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}

const shortOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 500);
