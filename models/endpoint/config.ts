import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { EndpointConfig } from '../../schemas/endpoint.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { checked, readJsonFile } from '../json.ts';
import { isLoopback } from './proxy.ts';

export const endpointFile = 'endpoint.json';

/** Whether the folder stands for a model behind a server. */
export const isEndpoint = (folder: string): boolean => existsSync(join(folder, endpointFile));

/** Reads endpoint.json. Throws GuardError BAD_CONFIG naming the file and the key. */
export async function readEndpoint(folder: string): Promise<EndpointConfig> {
  const path = join(folder, endpointFile);
  return checkEndpoint(await readJsonFile(path, ErrorCode.BadConfig), path);
}

/** Throws GuardError BAD_CONFIG, its message beginning with `what`. */
export function checkEndpoint(json: unknown, what: string): EndpointConfig {
  return checked(EndpointConfig, json, what, { code: ErrorCode.BadConfig });
}

/** Names the server and the model: settings such as the budget may change without losing what was answered. */
export function endpointId({ baseUrl, model }: Pick<EndpointConfig, 'baseUrl' | 'model'>): string {
  return createHash('sha256')
    .update(JSON.stringify([baseUrl.replace(/\/+$/, ''), model]))
    .digest('hex');
}

/**
 * The variable that holds the key, by default OPENAI_API_KEY, and the key; '' where there is none to send. Throws GuardError
 * BAD_CONFIG where the key holds a character that no header can.
 */
export function apiKeyOf({ apiKeyEnv, baseUrl }: EndpointConfig): { name: string; key: string } {
  const name = apiKeyEnv ?? 'OPENAI_API_KEY';
  const { hostname, protocol } = new URL(baseUrl);
  // A key that was set for another service must not cross a network in the clear.
  const open = protocol === 'http:' && !isLoopback(hostname) && apiKeyEnv === undefined;
  const key = open ? '' : (process.env[name] ?? '').trim();
  const wrong = /[^\x21-\x7e]/u.exec(key);
  if (wrong) {
    const what = /\s/.test(wrong[0]) ? 'a space or line break' : wrong[0];
    throw new GuardError(
      ErrorCode.BadConfig,
      `the key in ${name} holds ${what} as its character ${wrong.index + 1}, which no header can carry: set the key alone, without quotation marks`,
    );
  }
  return { name, key };
}

/** Why attacks and training need a folder. */
export const noGradients =
  'gradients are out of reach through an endpoint: attacks and training need the model as a folder in the Hugging Face ONNX layout';

/** Parts of a path that a key may be: long and of letters with digits, or with the prefix of one. */
const keyLike = /^(?:(?:sk|pk|key|token)[-_].{6,}|(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_~+=%]{20,})$/i;

/** An address as reports show it: without name, password, query and fragment, and without what could be a key in its path. */
export function shownAddress(address: string): string {
  const { host, pathname, protocol } = new URL(address);
  const path = pathname.split('/').map((part) => (keyLike.test(part) ? '…' : part));
  return `${protocol}//${host}${path.join('/').replace(/\/+$/, '')}`;
}
