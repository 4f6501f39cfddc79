import type { RequestInit, Response } from 'undici';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { netrcLogin } from './netrc.ts';

/** How addresses are asked: through the proxy that is right for each. */
export type Fetch = (address: string, init: RequestInit) => Promise<Response>;

const mostRedirects = 5;

/** An address without the name and the password in it, for people and for `fetch`, which refuses them. */
export function withoutSecrets(address: string): string {
  const url = new URL(address);
  url.username = '';
  url.password = '';
  return url.href;
}

/** Gives up on a silent server; every sign of life starts the time anew. */
export class Patience {
  readonly signal: AbortSignal;
  private readonly controller = new AbortController();
  private readonly ms: number;
  private timer: NodeJS.Timeout | undefined;

  constructor(ms: number, signal?: AbortSignal) {
    this.ms = ms;
    this.signal = AbortSignal.any([this.controller.signal, ...(signal ? [signal] : [])]);
    this.renew();
  }

  renew(): void {
    clearTimeout(this.timer);
    const silent = () => this.controller.abort(new Error(`no data for ${this.ms / 1000} s`));
    this.timer = setTimeout(silent, this.ms);
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

/**
 * Asks an address and follows where it leads: each host by its own way. A name and a password in the address go into a header for
 * its origin alone; other hosts get what netrc has for them. Rejects as `fetch` does, and after 5 redirects.
 */
export async function ask(
  fetch: Fetch,
  address: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  let url = withoutSecrets(address);
  for (let hops = 0; hops <= mostRedirects; hops++) {
    const own = authorization(url, address);
    const init = {
      headers: { 'user-agent': 'modality-guard', ...headers, ...own },
      redirect: 'manual',
      signal,
    };
    const response = await fetch(url, init as RequestInit);
    const to = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || to === null) return response;
    await response.body?.cancel();
    url = new URL(to, url).href;
  }
  throw new Error(`it leads on more than ${mostRedirects} times`);
}

function authorization(url: string, address: string): Record<string, string> {
  const { hostname, origin } = new URL(url);
  const given = new URL(address);
  const inAddress = given.origin === origin && `${given.username}${given.password}` !== '';
  const { login, password } = inAddress
    ? { login: decodeURIComponent(given.username), password: decodeURIComponent(given.password) }
    : (netrcLogin(hostname) ?? { login: '', password: '' });
  if (`${login}${password}` === '') return {};
  return { authorization: `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}` };
}

/** What came between, from the outermost to the cause. */
export function wordsOf(error: unknown): string {
  const words: string[] = [];
  for (let at: unknown = error; at instanceof Error && words.length < 5; at = at.cause) {
    const code = (at as NodeJS.ErrnoException).code;
    const own = at.message || (at as AggregateError).errors?.map(String).join(', ') || '';
    const said = own.includes(code ?? own) ? own : `${own} (${code})`;
    if (said !== '' && said !== 'fetch failed') words.push(said);
  }
  return words.join(': ') || String(error);
}

const tlsProblem = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO/;

/** The error of an address that cannot be had; `ca`: the certificates that pip trusts. */
export function unavailable(address: string, why: string, ca?: string): GuardError {
  const trust = `set NODE_EXTRA_CA_CERTS=${ca ?? '<file>.pem'} for a certificate of your own`;
  const hint = tlsProblem.test(why) ? `: ${trust}` : '';
  return new GuardError(ErrorCode.Unavailable, `${withoutSecrets(address)}: ${why}${hint}`);
}

/** Why a status is no answer, and what to do. */
export function statusWords(status: number): string {
  const advice: Partial<Record<number, string>> = {
    401: ': it asks for a name and a password, which go into ~/.netrc or the index address: https://name:password@host/simple',
    403: ': it, or a proxy before it, refuses; name the host in NO_PROXY to go without the proxy',
    407: ': the proxy asks for a name and a password: https_proxy=http://name:password@host:port',
  };
  return `answered ${status}${advice[status] ?? ''}`;
}
