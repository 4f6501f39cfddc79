import type { Dispatcher, RequestInit, Response } from 'undici';
import { type ProxySetting, proxyFor } from './proxy.ts';

/** The caller's signal limits the time, however long that is. */
const timeouts = { headersTimeout: 0, bodyTimeout: 0 };

/** One for each proxy, and one without: connections are kept between requests. */
const dispatchers = new Map<string, Dispatcher>();

/** `fetch` through the proxy that the environment names for the address, which Node's own passes over. */
export async function fetchFrom(address: string, init: RequestInit): Promise<Response> {
  // Loaded when a server is asked: most commands ask none.
  const undici = await import('undici');
  const proxy = proxyFor(address);
  const name = proxy?.url.href ?? '';
  const dispatcher = dispatchers.get(name) ?? dispatcherOf(undici, proxy);
  dispatchers.set(name, dispatcher);
  return undici.fetch(address, { ...init, dispatcher });
}

function dispatcherOf(
  { Agent, ProxyAgent }: typeof import('undici'),
  proxy: ProxySetting | null,
): Dispatcher {
  if (!proxy) return new Agent(timeouts);
  const { password, username } = proxy.url;
  const token = `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`;
  // Many proxies tunnel to port 443 alone: what is not encrypted is asked of the proxy itself, as curl does.
  return new ProxyAgent({
    uri: proxy.url.origin,
    proxyTunnel: false,
    ...(username === '' ? {} : { token }),
    ...timeouts,
  });
}

/** A stray percent sign stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The status of a proxy that does not lead on; null: the error is another. */
export function proxyRefusal(messages: string): number | null {
  const status = /Proxy response \((\d+)\)|Proxy Authentication Required \((407)\)/.exec(messages);
  return status ? Number(status[1] ?? status[2]) : null;
}
