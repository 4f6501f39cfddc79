import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Check } from './check.ts';

const answerMs = 3_000;
/** The proxies and the certificates that the environment names. */
export function checkNetwork(): Promise<Check[]> {
  return Promise.all([checkProxy('http'), checkProxy('https'), checkCertificates()]);
}

/** What goes for an address of this scheme that NO_PROXY does not name. */
async function checkProxy(scheme: 'http' | 'https'): Promise<Check> {
  const { noProxyOf, proxyFor, shownProxy } = await import('../../models/index.ts');
  const check = { group: 'network', name: `${scheme} proxy`, needed: false } as const;
  try {
    const proxy = proxyFor(`${scheme}://elsewhere.invalid`);
    if (!proxy)
      return { ...check, ok: true, detail: 'none: model servers and downloads are reached directly' };
    const { connectProblem } = await import('../../worker/server/index.ts');
    const { hostname, port, protocol } = proxy.url;
    const host = hostname.replace(/^\[|\]$/g, '');
    const problem = await connectProblem(
      { host, port: Number(port) || (protocol === 'https:' ? 443 : 80) },
      answerMs,
    );
    if (problem !== null)
      return { ...check, ok: false, detail: `${shownProxy(proxy)} cannot be reached: ${problem}` };
    const except = noProxyOf();
    const direct = `not for this machine${except ? `, a Temporal server, and NO_PROXY=${except}` : ' and a Temporal server'}`;
    return {
      ...check,
      ok: true,
      detail: `${shownProxy(proxy)}, for model servers and downloads; ${direct}`,
    };
  } catch (error) {
    return { ...check, ok: false, detail: (error as Error).message };
  }
}

/** Node passes over a file of certificates that it cannot read, and so would a user. */
async function checkCertificates(): Promise<Check> {
  const check = { group: 'network', name: 'certificates', needed: false } as const;
  const path = process.env.NODE_EXTRA_CA_CERTS;
  if (!path) {
    const detail = 'those that come with Node; for your own set NODE_EXTRA_CA_CERTS=<file>.pem';
    return { ...check, ok: true, detail };
  }
  try {
    const { subject } = new X509Certificate(await readFile(path));
    return {
      ...check,
      ok: true,
      detail: `those that come with Node, and ${path} (${subject.replaceAll('\n', ', ')})`,
    };
  } catch (error) {
    const what = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    return { ...check, ok: false, detail: `NODE_EXTRA_CA_CERTS names ${path}: ${what}; expected a PEM file` };
  }
}
