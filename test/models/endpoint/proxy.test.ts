import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChatServer } from '../../../bench/chat-server.ts';
import { openEndpoint } from '../../../models/endpoint/endpoint.ts';
import { isLoopback, proxyFor } from '../../../models/endpoint/proxy.ts';
import { startProxy, type TestProxy } from '../../support/proxy.ts';
import { questions } from './questions.ts';

const names = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'];

describe('which proxy is taken', () => {
  const http = 'http://a.example:3128';
  const found = (address: string, environment: Record<string, string>) =>
    proxyFor(address, environment)?.url.href ?? null;

  it.each([
    [{ http_proxy: http }, 'http://m.example/v1', `${http}/`],
    [{ HTTP_PROXY: http }, 'http://m.example/v1', `${http}/`],
    [{ http_proxy: '', HTTP_PROXY: http }, 'http://m.example/v1', `${http}/`],
    [{ http_proxy: 'a.example:3128' }, 'http://m.example/v1', `${http}/`],
    [{ https_proxy: http }, 'http://m.example/v1', null],
    [{ HTTPS_PROXY: http }, 'https://m.example/v1', `${http}/`],
    [{ http_proxy: http }, 'https://m.example/v1', `${http}/`],
    [{ http_proxy: 'http://b.example', https_proxy: http }, 'https://m.example/v1', `${http}/`],
    [{ ALL_PROXY: http }, 'https://m.example/v1', `${http}/`],
    [{}, 'https://m.example/v1', null],
    [{ http_proxy: ' ' }, 'https://m.example/v1', null],
  ])('%j: %s by %s', (environment, address, expected) => {
    expect(found(address, environment as Record<string, string>)).toBe(expected);
  });

  it.each([
    ['*', 'http://m.example/v1', true],
    ['m.example', 'http://m.example/v1', true],
    ['M.Example', 'http://m.example/v1', true],
    ['.example', 'http://m.example/v1', true],
    ['*.example', 'http://m.example/v1', true],
    ['example', 'http://m.example/v1', true],
    ['ample', 'http://m.example/v1', false],
    ['other, m.example', 'http://m.example/v1', true],
    ['m.example:80', 'http://m.example/v1', true],
    ['m.example:8000', 'http://m.example/v1', false],
    ['m.example:8000', 'http://m.example:8000/v1', true],
    ['10.0.0.0/8', 'http://10.1.2.3/v1', true],
    ['10.0.0.0/8', 'http://11.1.2.3/v1', false],
    ['10.0.0.0/99', 'http://10.1.2.3/v1', false],
    ['fd00::/8', 'http://[fd00::1]/v1', true],
    ['fd00::1', 'http://[fd00::1]/v1', true],
    ['[fd00::1]:80', 'http://[fd00::1]/v1', true],
    ['[fd00::1]:81', 'http://[fd00::1]/v1', false],
    ['', 'http://m.example/v1', false],
  ])('NO_PROXY=%s excepts %s: %s', (list, address, excepted) => {
    for (const name of ['NO_PROXY', 'no_proxy'])
      expect(found(address, { http_proxy: http, [name]: list }) === null).toBe(excepted);
  });

  it.each(['127.0.0.1', '127.9.8.7', 'localhost', 'a.localhost', '[::1]', '0.0.0.0'])(
    'never for this machine: %s',
    (host) => {
      expect(found(`http://${host}:8000/v1`, { http_proxy: http, ALL_PROXY: http })).toBeNull();
      expect(isLoopback(host)).toBe(true);
    },
  );

  it.each(['localhost.example', '128.0.0.1', 'mylocalhost', '127.example'])(
    '%s is another machine',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );

  it.each(['socks5://a.example:1080', 'http://', 'http://a b', '://'])(
    'refuses %s, naming the variable',
    (value) => {
      const read = () => proxyFor('http://m.example/v1', { HTTP_PROXY: value });
      expect(read).toThrow(/^HTTP_PROXY does not name a proxy for HTTP: expected http:\/\/host:port/);
      expect(read).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
    },
  );
});

describe('a model server beyond a proxy', { timeout: 30_000 }, () => {
  let folder: string;
  let server: ChatServer;
  let proxy: TestProxy | undefined;
  beforeEach(async () => {
    for (const name of names) for (const one of [name, name.toUpperCase()]) vi.stubEnv(one, '');
    folder = await mkdtemp(join(tmpdir(), 'guard-proxy-'));
    server = await ChatServer.start();
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await server.close();
    await proxy?.close();
    proxy = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  async function answer(baseUrl: string) {
    await writeFile(join(folder, 'endpoint.json'), JSON.stringify({ baseUrl, model: 'served' }));
    const endpoint = await openEndpoint(folder, join(folder, 'state'));
    try {
      return await endpoint.answer(questions(3), { run: 'first' });
    } finally {
      await endpoint.close();
    }
  }
  const port = () => Number(new URL(server.baseUrl).port);

  it('is asked through it, with the name and password of the variable', async () => {
    proxy = await startProxy({ leadTo: port() });
    vi.stubEnv('http_proxy', proxy.address.replace('//', '//anna:p%40ss@'));
    const { use } = await answer('http://m.example/v1');
    expect(use.readFrom.logprobs).toBe(3);
    const authorization = `Basic ${Buffer.from('anna:p@ss').toString('base64')}`;
    expect(proxy.asked[0]).toEqual({ what: 'POST http://m.example/v1/chat/completions', authorization });
  });

  it('is asked directly where it is on this machine, or NO_PROXY names it', async () => {
    proxy = await startProxy({ status: 403 });
    vi.stubEnv('HTTP_PROXY', proxy.address);
    expect((await answer(server.baseUrl)).use.samples).toBe(3);
    expect(proxy.asked).toEqual([]);
    vi.stubEnv('NO_PROXY', '.invalid');
    await writeFile(join(folder, 'endpoint.json'), '{}');
    const config = { baseUrl: 'http://m.invalid/v1', model: 'served', attempts: 1 };
    await writeFile(join(folder, 'endpoint.json'), JSON.stringify(config));
    const endpoint = await openEndpoint(folder, join(folder, 'state'));
    await expect(endpoint.answer(questions(1), { run: 'first' })).rejects.toThrow(
      /there is no host named m\.invalid: check the address|EAI_AGAIN/,
    );
    await endpoint.close();
    expect(proxy.asked).toEqual([]);
  });

  it.each([
    [
      'http://m.example/v1',
      403,
      /m\.example.*through the proxy http:\/\/127\.\S+ \(from https?_proxy\).*403 \(403 by policy\).*name m\.example in NO_PROXY/,
    ],
    ['https://m.example/v1', 403, /the proxy does not lead there \(403\).*name m\.example in NO_PROXY/],
    [
      'http://m.example/v1',
      407,
      /the proxy asks for a name and a password \(407\).*http_proxy=http:\/\/name:password@host/,
    ],
    [
      'https://m.example/v1',
      407,
      /the proxy asks for a name and a password \(407\).*https_proxy=http:\/\/name:password@host/,
    ],
  ])(
    '%s refused by it with %i: one request, and a sentence without the password',
    async (baseUrl, status, message) => {
      proxy = await startProxy({ status });
      const secret = proxy.address.replace('//', '//anna:secret@');
      vi.stubEnv('http_proxy', secret);
      vi.stubEnv('https_proxy', secret);
      const attempt = answer(baseUrl);
      await expect(attempt).rejects.toThrow(message);
      await expect(attempt).rejects.toMatchObject({ code: 'BAD_CONFIG' });
      await expect(attempt).rejects.not.toThrow(/secret/);
      expect(proxy.asked).toHaveLength(1);
    },
  );

  it('with a certificate of its own is refused at once, through the proxy and without', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes', '-newkey', 'rsa:2048'];
    execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    let asked = 0;
    const secure = createServer({ key: await readFile(key), cert: await readFile(cert) }, (_, out) => {
      asked++;
      out.end('{}');
    });
    await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
    const { port: to } = secure.address() as AddressInfo;
    try {
      const said = /no secure connection \(.*self-signed certificate.*NODE_EXTRA_CA_CERTS/;
      await expect(answer(`https://127.0.0.1:${to}/v1`)).rejects.toThrow(said);
      proxy = await startProxy({ leadTo: to });
      vi.stubEnv('https_proxy', proxy.address);
      await expect(answer('https://m.example/v1')).rejects.toThrow(said);
      expect(proxy.asked).toHaveLength(1);
      expect(asked).toBe(0);
    } finally {
      secure.closeAllConnections();
      secure.close();
    }
  });
});
