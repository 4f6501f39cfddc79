import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connectServer } from '../../worker/server/index.ts';
import { choosePorts } from '../../worker/server/ports.ts';
import { temporaryFolder } from './folder.ts';

async function listen(port: number): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1' }, resolve);
  });
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, close };
}

describe('ports of a server of our own', () => {
  it('refuses a fixed port that is taken, and says what to do', async () => {
    const taken = await listen(0);
    const attempt = choosePorts({ port: taken.port });
    await expect(attempt).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(attempt).rejects.toThrow(new RegExp(`Port ${taken.port} .* taken.*--port`));
    const ui = choosePorts({ ui: true, uiPort: taken.port });
    await expect(ui).rejects.toThrow(/--ui-port/);
    await taken.close();
  });

  it('takes a free port when the usual one is taken', async () => {
    const usual = await listen(7233).catch(() => null); // Taken by somebody else is just as good.
    const ports = await choosePorts({});
    expect(ports.port).not.toBe(7233);
    expect(ports.uiPort).toBeNull();
    const own = await listen(ports.port);
    await own.close();
    await usual?.close();
  });

  it('keeps off the usual port after a start that failed', async () => {
    expect((await choosePorts({}, { usual: false })).port).not.toBe(7233);
  });

  it('gives the fixed port when it is free', async () => {
    const { port, close } = await listen(0);
    await close();
    expect((await choosePorts({ port })).port).toBe(port);
  });
});

describe('a given address', () => {
  afterEach(() => vi.unstubAllEnvs());
  const log = () => {};

  it('is taken as it is, and TEMPORAL_ADDRESS wins over the configuration', async () => {
    const { port, close } = await listen(0);
    vi.stubEnv('TEMPORAL_ADDRESS', `127.0.0.1:${port}`);
    const stateDir = await temporaryFolder();
    const server = await connectServer({ stateDir, configAddress: '127.0.0.1:1', log });
    expect(server).toMatchObject({ address: `127.0.0.1:${port}`, startedByUs: false });
    await server.close();
    await close();
  });

  it('says who gave an address where nobody answers', async () => {
    const { port, close } = await listen(0);
    await close();
    vi.stubEnv('TEMPORAL_ADDRESS', '');
    const stateDir = await temporaryFolder();
    const attempt = connectServer({ stateDir, configAddress: `127.0.0.1:${port}`, log });
    await expect(attempt).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(attempt).rejects.toThrow(/from the configuration.*ECONNREFUSED/);
  });

  it('refuses what is no address', async () => {
    vi.stubEnv('TEMPORAL_ADDRESS', 'http://example.org/');
    const attempt = connectServer({ stateDir: await temporaryFolder(), log });
    await expect(attempt).rejects.toMatchObject({ code: 'BAD_CONFIG' });
  });
});
