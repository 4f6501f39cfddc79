import type { EndpointConfig } from '../../schemas/endpoint.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { parseLenient } from '../json.ts';
import { apiKeyOf } from './config.ts';
import { fetchFrom, proxyRefusal } from './fetch.ts';
import type { KeptAnswer } from './ledger.ts';
import { consequenceOf, type Problem, problemIn } from './problem.ts';
import { type ProxySetting, proxyFor, shownProxy } from './proxy.ts';
import { type Choice, type Completion, endOf, saysFiltered, type Usage } from './reply.ts';
import type { EndpointRequest } from './request.ts';

/** What an answer says of the model. */
type ServedBy = Pick<KeptAnswer, 'model' | 'systemFingerprint'>;

/** What became of one attempt. */
export type Attempt =
  | { kind: 'answer'; choice: Choice; usage: Usage | null; served: ServedBy; holdMs: number }
  /** There is none, because of what this sample holds; `why` in the server's words. */
  | { kind: 'unanswered'; ended: 'filter' | 'impossible' | 'length'; why: string }
  /** May be tried again. `lost`: the server may have answered, and charged for it. `holdMs`: what it asks to wait. */
  | { kind: 'again'; why: string; lost: boolean; tooMany: boolean; holdMs: number | null; nothing?: true }
  /** The request is not understood as it is. */
  | { kind: 'refused'; message: string; tooMuchRoom: boolean }
  /** Trying again cannot help. */
  | { kind: 'hopeless'; error: GuardError };

const tlsProblem = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO/;
/** Longer than this is not waited for at one go, whatever the server says. */
const longestHoldMs = 10 * 60_000;

/** Sends requests; retries, waiting and keeping are others' work. */
export class Sender {
  private readonly config: EndpointConfig;
  private readonly key: string;
  private readonly keyName: string;
  private readonly proxy: ProxySetting | null;

  /** Throws GuardError BAD_CONFIG where no header can carry the key, or the environment's proxy cannot be used. */
  constructor(config: EndpointConfig) {
    const { key, name } = apiKeyOf(config);
    this.config = config;
    this.key = key;
    this.keyName = name;
    this.proxy = proxyFor(config.baseUrl);
  }

  /** Whether the server was there once: names that do not resolve then pass. */
  private reached = false;

  /** One attempt; it is not interrupted but by its time limit. */
  async send({ body }: EndpointRequest, idempotencyKey: string): Promise<Attempt> {
    const { baseUrl, timeoutSeconds } = this.config;
    const limit = AbortSignal.timeout(timeoutSeconds * 1000);
    try {
      const response = await fetchFrom(`${baseUrl.replace(/\/+$/, '')}/chat/completions`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'user-agent': 'modality-guard',
          'idempotency-key': idempotencyKey,
          ...(this.key === '' ? {} : { authorization: `Bearer ${this.key}` }),
        },
        body: JSON.stringify(body),
        // A POST that is led elsewhere arrives there as a GET.
        redirect: 'manual',
        signal: limit,
      });
      this.reached = true;
      return this.checked(response, await response.text());
    } catch (error) {
      if (limit.aborted) return again(`no answer within ${timeoutSeconds} s`, { lost: true });
      return this.broken(error as Error);
    }
  }

  private checked(response: Response, text: string): Attempt {
    const { headers, ok, status } = response;
    if (this.proxy && status === 407) {
      return this.hopeless(ErrorCode.BadConfig, this.proxyProblem(this.proxy, status));
    }
    if (status >= 300 && status < 400) {
      const to = headers.get('location');
      return this.hopeless(
        ErrorCode.BadConfig,
        `leads elsewhere (${status}${to ? `, to ${this.clean(to)}` : ''}): give the address that it leads to as base URL`,
      );
    }
    const body = bodyOf(text);
    const problem = problemIn(body, status);
    const choice = choiceIn(body);
    if (problem && !(ok && choice)) return this.failed(problem, headers);
    if (!ok) {
      const words = text.replace(/<[^>]*>/g, ' ').trim() || 'without a word';
      return this.failed({ message: `${status} ${words}`, codes: '', status }, headers);
    }
    if (choice) return this.chosen(choice, body as Completion, headers);
    if (
      saysFiltered((body as Completion)?.promptFeedback) ||
      saysFiltered((body as Completion)?.prompt_filter_results)
    )
      return { kind: 'unanswered', ended: 'filter', why: 'the prompt was filtered' };
    if (Array.isArray((body as Completion)?.choices))
      return again('the answer holds no choice', { lost: true, nothing: true });
    const type = headers.get('content-type') ?? 'no content type';
    if (body === undefined && /json/i.test(type)) return again('the answer is not JSON', { lost: true });
    return this.hopeless(
      ErrorCode.BadModel,
      `does not speak OpenAI's protocol: /chat/completions answered ${type} without choices. ` +
        'Check the base URL; it usually ends in /v1',
    );
  }

  private chosen(choice: Choice, completion: Completion, headers: Headers): Attempt {
    const inside = choice.error ? problemIn({ error: choice.error }, 0) : null;
    if (inside) return this.failed(inside, headers);
    const end = endOf(choice);
    if (end === 'error') return again('the answer ended with an error', { lost: true });
    const speaks = choice.message ?? typeof choice.text === 'string';
    if (!speaks && end === null) return again('the answer holds no message', { lost: true, nothing: true });
    const { model, system_fingerprint: systemFingerprint, usage } = completion;
    const served = {
      ...(typeof model === 'string' ? { model } : {}),
      ...(typeof systemFingerprint === 'string' ? { systemFingerprint } : {}),
    };
    return { kind: 'answer', choice, usage: usage ?? null, served, holdMs: emptyQuotaMs(headers) };
  }

  private failed(problem: Problem, headers: Headers): Attempt {
    const { status } = problem;
    const message = this.clean(problem.message);
    const { model } = this.config;
    const consequence = consequenceOf(problem);
    switch (consequence) {
      case 'filtered':
        return { kind: 'unanswered', ended: 'filter', why: message };
      case 'impossible':
        return { kind: 'unanswered', ended: 'impossible', why: message };
      case 'cut_off':
        return { kind: 'unanswered', ended: 'length', why: message };
      case 'refused':
      case 'too_much_room':
        return { kind: 'refused', message, tooMuchRoom: consequence === 'too_much_room' };
      case 'again':
      case 'too_many':
        return again(message, { tooMany: consequence === 'too_many', holdMs: retryAfterMs(headers) });
      case 'quota':
        return this.hopeless(ErrorCode.Budget, `the account has no quota left (${message})`);
      case 'key':
        return this.hopeless(ErrorCode.BadConfig, this.keyProblem(status, message));
      case 'not_found':
        return this.hopeless(
          ErrorCode.BadConfig,
          /model/i.test(`${problem.codes} ${message}`)
            ? `has no model "${model}" for us (${message}); GET /models of the server lists what it has`
            : `has no /chat/completions (${message}): check the base URL; it usually ends in /v1`,
        );
    }
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
    const { hostname, port } = new URL(this.config.baseUrl);
    if (/bad port/.test(why)) {
      const what = `port ${port} is one that clients never ask: let the server listen at another one`;
      return this.hopeless(ErrorCode.BadConfig, what);
    }
    if (codes.includes('ENOTFOUND') && !this.reached && !this.proxy) {
      return this.hopeless(ErrorCode.BadConfig, `there is no host named ${hostname}: check the address`);
    }
    const refused = proxyRefusal(why);
    if (this.proxy && refused !== null && refused < 500) {
      return this.hopeless(ErrorCode.BadConfig, this.proxyProblem(this.proxy, refused));
    }
    const unsent = codes.some((code) => ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(code));
    return again(why, { lost: !unsent && refused === null });
  }

  /** The proxy does not lead on. */
  private proxyProblem({ variable }: ProxySetting, status: number): string {
    const what =
      status === 407
        ? `asks for a name and a password (407): give them as ${variable}=http://name:password@host:port`
        : `does not lead there (${status}): let it, or name ${new URL(this.config.baseUrl).hostname} in NO_PROXY to go without it`;
    return `the proxy ${what}`;
  }

  private keyProblem(status: number, message: string): string {
    const quoted = /^(["']).*\1$/.test(this.key) ? ' (it stands in quotation marks)' : '';
    const key =
      this.key === '' ? `no key was sent: set ${this.keyName}` : `check the key in ${this.keyName}${quoted}`;
    const open =
      process.env[this.keyName] && this.key === ''
        ? ', and name it as "apiKeyEnv" to send it over plain HTTP'
        : '';
    const proxy =
      this.proxy && status === 403
        ? `, or, if it is the proxy that refuses, name ${new URL(this.config.baseUrl).hostname} in NO_PROXY`
        : '';
    return `refuses us${status === 0 ? '' : ` with ${status}`} (${message}); ${key}${open}${proxy}`;
  }

  private hopeless(code: ErrorCode, what: string): Attempt {
    return { kind: 'hopeless', error: new GuardError(code, `endpoint ${this.place}: ${what}`) };
  }

  /** What was asked, and by which way. */
  get place(): string {
    const { baseUrl } = this.config;
    return this.proxy ? `${baseUrl}, through the proxy ${shownProxy(this.proxy)}` : baseUrl;
  }

  /** Servers repeat keys in their messages, and pages are long. */
  private clean(message: string): string {
    const short = message.replace(/\s+/g, ' ').trim().slice(0, 300);
    return this.key === '' ? short : short.replaceAll(this.key, '***');
  }
}

function bodyOf(text: string): unknown {
  try {
    return parseLenient(text);
  } catch {
    return undefined;
  }
}

function choiceIn(body: unknown): Choice | null {
  const choices = (body as Completion | undefined)?.choices;
  const first: unknown = Array.isArray(choices) ? choices[0] : null;
  return typeof first === 'object' && first !== null ? (first as Choice) : null;
}

function again(
  why: string,
  more: { lost?: boolean; tooMany?: boolean; holdMs?: number | null; nothing?: true },
): Attempt {
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
