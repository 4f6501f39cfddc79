import { BlockList, isIP } from 'node:net';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

/** A proxy of the environment. Its address may hold a name and a password: show `shownProxy` to people. */
export interface ProxySetting {
  url: URL;
  /** The variable that names it. */
  variable: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** In lower case first, as curl and Node read them; https goes through http_proxy where it has no variable of its own. */
const variables = {
  'http:': ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'],
  'https:': ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'],
} as const;

const withoutBrackets = (hostname: string) => hostname.replace(/^\[|\]$/g, '').toLowerCase();

/** Whether a host name or address of a URL is this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(?:(?:[\w-]+\.)*localhost|127(?:\.\d+){3}|0\.0\.0\.0|::1?)$/.test(withoutBrackets(hostname));
}

/**
 * The proxy that requests to an http or https address go through; null: none, as for this machine, for what NO_PROXY names, and
 * without a variable. Throws GuardError BAD_CONFIG for a variable that does not name a proxy for HTTP.
 */
export function proxyFor(address: string, environment: Environment = process.env): ProxySetting | null {
  const { hostname, port, protocol } = new URL(address);
  const names: readonly string[] = variables[protocol as keyof typeof variables] ?? [];
  const variable = names.find((name) => (environment[name] ?? '').trim() !== '');
  if (variable === undefined || isLoopback(hostname)) return null;
  const at = Number(port) || (protocol === 'https:' ? 443 : 80);
  if (isExcepted(withoutBrackets(hostname), at, noProxyOf(environment))) return null;
  return proxyIn(variable, (environment[variable] as string).trim());
}

/** A proxy as messages name it, without name and password. */
export function shownProxy({ url, variable }: ProxySetting): string {
  return `${url.protocol}//${url.host} (from ${variable})`;
}

/** What stands in NO_PROXY, in either case. */
export function noProxyOf(environment: Environment = process.env): string {
  return (environment.no_proxy || environment.NO_PROXY || '').trim();
}

function proxyIn(variable: string, value: string): ProxySetting {
  const address = value.includes('://') ? value : `http://${value}`;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== '') return { url, variable };
  throw new GuardError(
    ErrorCode.BadConfig,
    `${variable} does not name a proxy for HTTP: expected http://host:port, found ${url ? `the scheme "${url.protocol.slice(0, -1)}"` : 'what is not an address'}. ` +
      'Correct it, or name the hosts that need no proxy in NO_PROXY.',
  );
}

/** NO_PROXY: "*", hosts, ".suffix", "*.suffix", "host:port", addresses, and networks such as 10.0.0.0/8. */
function isExcepted(host: string, port: number, list: string): boolean {
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '') return false;
    if (entry === '*') return true;
    const [, name, ofPort] = /^(.*[^:]):(\d+)$/.exec(entry) ?? [];
    const ported = name !== undefined && (name.endsWith(']') || !name.includes(':'));
    if (ported && Number(ofPort) !== port) return false;
    const wanted = withoutBrackets(ported ? name : entry).replace(/^\*?\./, '');
    return host === wanted || host.endsWith(`.${wanted}`) || isInNetwork(host, wanted);
  });
}

function isInNetwork(host: string, network: string): boolean {
  const [address = '', bits] = network.split('/');
  const family = isIP(host);
  if (bits === undefined || family === 0 || isIP(address) !== family) return false;
  const prefix = Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, prefix, type);
  return list.check(host, type);
}
