import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { checkNetwork } from '../../cli/doctor/network.ts';
import { type Project, smallProject } from '../support/project.ts';
import { startProxy, type TestProxy } from '../support/proxy.ts';
import { modalityGuard, projectFolder } from './command.ts';

let proxy: TestProxy;
let project: Project;
let env: Record<string, string>;
beforeAll(async () => {
  proxy = await startProxy({ status: 403 });
  project = await smallProject();
  const names = ['http_proxy', 'https_proxy', 'all_proxy', 'grpc_proxy'];
  const set = names.flatMap((name) => [name, name.toUpperCase()].map((one) => [one, proxy.address]));
  env = { ...Object.fromEntries(set), no_proxy: '', NO_PROXY: '', no_grpc_proxy: '', CI: '' };
});
afterAll(async () => {
  await proxy?.close();
  await project?.remove();
});

describe('behind a proxy that answers 403 to everything', { timeout: 600_000 }, () => {
  it('a whole run goes through, and asks it nothing', async () => {
    const { folder } = project;
    const ended = await modalityGuard(['run', '--policy', 'demo', '--json', '--no-input'], { folder, env });
    expect([0, 3], ended.stderr).toContain(ended.code);
    const { report, status } = JSON.parse(ended.stdout);
    expect(status).toBe('completed');
    expect(await readFile(report.html, 'utf8')).toContain('</html>');
    expect(proxy.asked).toEqual([]);
    // Nothing is left running: the record of a server is there for as long as there is one.
    expect(await readdir(join(folder, '.modality-guard/server'))).not.toContain('server.json');
  });

  it('a model server elsewhere is asked through it, and the refusal is said at once', async () => {
    const { folder } = project;
    const args = [
      'diagnose',
      '--model',
      'https://m.example/v1',
      '--model-name',
      'm',
      '--level',
      'L0',
      '--json',
    ];
    const { code, stdout } = await modalityGuard(args, { folder, env });
    expect(code).toBe(2);
    const { error } = JSON.parse(stdout);
    expect(error.message).toMatch(/m\.example.*the proxy does not lead there \(403\).*NO_PROXY/);
    // The list of models is looked at, too.
    expect(proxy.asked.every(({ what }) => what === 'CONNECT m.example:443')).toBe(true);
    expect(proxy.asked.length).toBeLessThanOrEqual(2);
  });

  it('doctor tells', async () => {
    const { code, stdout } = await modalityGuard(['doctor', '--json'], {
      folder: await projectFolder(),
      env: {
        ...env,
        https_proxy: 'socks5://a.example:1080',
        NO_PROXY: 'b.example',
        NODE_EXTRA_CA_CERTS: '/nowhere.pem',
      },
    });
    expect(code).toBe(0);
    const checks = JSON.parse(stdout).checks.filter(({ group }: { group: string }) => group === 'network');
    expect(checks).toEqual([
      expect.objectContaining({
        name: 'http proxy',
        ok: true,
        detail: expect.stringMatching(
          /^http:\/\/127\.0\.0\.1:\d+ \(from http_proxy\).*not for this machine.*NO_PROXY=b\.example/,
        ),
      }),
      expect.objectContaining({
        name: 'https proxy',
        ok: false,
        detail: expect.stringMatching(/https_proxy.*socks5/),
      }),
      expect.objectContaining({
        name: 'certificates',
        ok: false,
        detail: expect.stringMatching(/nowhere\.pem: ENOENT/),
      }),
    ]);
  });

  it('doctor tells of none, and of one that is not there', async () => {
    for (const name of Object.keys(env)) vi.stubEnv(name, '');
    const proxies = async () => (await checkNetwork()).filter(({ name }) => name.endsWith('proxy'));
    for (const found of await proxies())
      expect(found).toMatchObject({ ok: true, detail: expect.stringMatching(/^none.*reached directly/) });
    vi.stubEnv('HTTP_PROXY', 'http://127.0.0.1:1');
    const refused = await proxies();
    vi.unstubAllEnvs();
    expect(refused).toHaveLength(2);
    for (const found of refused)
      expect(found).toMatchObject({
        ok: false,
        detail: expect.stringMatching(/cannot be reached: ECONNREFUSED/),
      });
  });
});
