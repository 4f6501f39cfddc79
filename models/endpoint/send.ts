import OpenAI, { APIConnectionError, APIError } from 'openai';
import type { EndpointConfig } from '../../schemas/endpoint.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { apiKeyOf } from './config.ts';
import type { EndpointRequest } from './request.ts';

/** What became of one attempt. */
export type Attempt =
  | { kind: 'answer'; completion: OpenAI.Chat.ChatCompletion; holdMs: number }
  /** May be tried again. `lost`: the server may have answered, and charged for it. `holdMs`: what it asks to wait. */
  | { kind: 'again'; why: string; lost: boolean; tooMany: boolean; holdMs: number | null }
  /** 400: the request is not understood as it is. */
  | { kind: 'refused'; message: string }
  /** Trying again cannot help. */
  | { kind: 'hopeless'; error: GuardError };

const retried = new Set([408, 409, 429]);
const tlsProblem = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO/;
/** Longer than this is not waited for at one go, whatever the server says. */
const longestHoldMs = 10 * 60_000;

/** Sends requests through the `openai` package; retries, waiting and keeping are others' work. */
export class Sender {
  private readonly config: EndpointConfig;
  private readonly client: OpenAI;
  private readonly key: string;
  private readonly keyName: string;

  constructor(config: EndpointConfig) {
    const { key, name } = apiKeyOf(config);
    this.config = config;
    this.key = key;
    this.keyName = name;
    this.client = new OpenAI({
      baseURL: config.baseUrl,
      // The package wants one; servers without keys take any.
      apiKey: key || 'none',
      organization: null,
      project: null,
      maxRetries: 0,
      logLevel: 'off',
      timeout: config.timeoutSeconds * 1000,
    });
  }

  /** One attempt; it is not interrupted but by its time limit. */
  async send({ body }: EndpointRequest, idempotencyKey: string): Promise<Attempt> {
    const limit = new AbortController();
    // The package's own limit ends with the headers.
    const timer = setTimeout(() => limit.abort(), this.config.timeoutSeconds * 1000);
    try {
      const { data, response } = await this.client.chat.completions
        .create(body, { headers: { 'Idempotency-Key': idempotencyKey }, signal: limit.signal })
        .withResponse();
      return this.checked(data, response);
    } catch (error) {
      if (limit.signal.aborted)
        return again(`no answer within ${this.config.timeoutSeconds} s`, { lost: true });
      return this.failed(error);
    } finally {
      clearTimeout(timer);
    }
  }

  private checked(data: unknown, { headers }: Response): Attempt {
    const completion = data as OpenAI.Chat.ChatCompletion;
    if (Array.isArray(completion?.choices) && completion.choices[0]?.message) {
      return { kind: 'answer', completion, holdMs: emptyQuotaMs(headers) };
    }
    const type = headers.get('content-type') ?? 'no content type';
    const problem = (completion as { error?: { message?: string } })?.error?.message;
    return this.hopeless(
      ErrorCode.BadModel,
      `does not speak OpenAI's protocol: /chat/completions answered ${type} without choices${problem ? ` (${problem})` : ''}. ` +
        'Check the base URL; it usually ends in /v1',
    );
  }

  private failed(error: unknown): Attempt {
    if (error instanceof APIConnectionError || !(error instanceof APIError))
      return this.broken(error as Error);
    const status = error.status as number;
    const message = this.clean(error.message);
    const { model } = this.config;
    if (status === 401 || status === 403)
      return this.hopeless(ErrorCode.BadConfig, this.keyProblem(status, message));
    if (status === 404) {
      return this.hopeless(
        ErrorCode.BadConfig,
        error.error
          ? `has no model "${model}" for us (${message}); GET /models of the server lists what it has`
          : 'has no /chat/completions (404): check the base URL; it usually ends in /v1',
      );
    }
    if (status === 429 && error.code === 'insufficient_quota') {
      return this.hopeless(ErrorCode.Budget, `the account has no quota left (${message})`);
    }
    if (retried.has(status) || status >= 500) {
      const headers = error.headers as Headers;
      return again(message, { tooMany: status === 429, holdMs: retryAfterMs(headers) });
    }
    return { kind: 'refused', message };
  }

  /** No whole answer came. */
  private broken(error: Error): Attempt {
    const codes = causes(error).map((cause) => (cause as { code?: string }).code ?? '');
    const why = this.clean(
      causes(error)
        .map(({ message }) => message)
        .filter(Boolean)
        .join(': '),
    );
    if (codes.some((code) => tlsProblem.test(code))) {
      return this.hopeless(
        ErrorCode.BadConfig,
        `no secure connection (${why}): is it http instead of https? For a certificate of your own set NODE_EXTRA_CA_CERTS`,
      );
    }
    const unsent = codes.some((code) => ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(code));
    return again(why, { lost: !unsent });
  }

  private keyProblem(status: number, message: string): string {
    const key = this.key === '' ? `no key was sent: set ${this.keyName}` : `check the key in ${this.keyName}`;
    const open =
      process.env[this.keyName] && this.key === ''
        ? ', and name it as "apiKeyEnv" to send it over plain HTTP'
        : '';
    return `refuses us with ${status} (${message}); ${key}${open}`;
  }

  private hopeless(code: ErrorCode, what: string): Attempt {
    return { kind: 'hopeless', error: new GuardError(code, `endpoint ${this.config.baseUrl}: ${what}`) };
  }

  /** Servers repeat keys in their messages, and pages are long. */
  private clean(message: string): string {
    const short = message.replace(/\s+/g, ' ').slice(0, 300);
    return this.key === '' ? short : short.replaceAll(this.key, '***');
  }
}

function again(why: string, more: { lost?: boolean; tooMany?: boolean; holdMs?: number | null }): Attempt {
  return { kind: 'again', why, lost: false, tooMany: false, holdMs: null, ...more };
}

function causes(error: Error): Error[] {
  const found: Error[] = [];
  for (let at: unknown = error; at instanceof Error && found.length < 5; at = at.cause) found.push(at);
  return found;
}

/** `retry-after-ms`, or `Retry-After` in seconds or as a date; null: neither. */
export function retryAfterMs(headers: Headers | undefined, now = Date.now()): number | null {
  const ms = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  const after = headers?.get('retry-after') ?? '';
  const seconds = after.trim() === '' ? Number.NaN : Number(after);
  const wait = [ms, seconds * 1000, Date.parse(after) - now].find((value) => value >= 0);
  return wait === undefined ? null : Math.min(wait, longestHoldMs);
}

/** Until a quota that is used up begins anew, by the x-ratelimit headers; 0: there is something left. */
export function emptyQuotaMs(headers: Headers): number {
  const waits = ['requests', 'tokens'].map((what) =>
    headers.get(`x-ratelimit-remaining-${what}`)?.trim() === '0'
      ? durationMs(headers.get(`x-ratelimit-reset-${what}`) ?? '')
      : 0,
  );
  return Math.min(Math.max(...waits), longestHoldMs);
}

/** "6m0s", "1.5s", "20ms", or seconds alone. */
function durationMs(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit as string] as number), 0);
}
