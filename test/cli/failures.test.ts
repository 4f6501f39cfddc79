import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { modalityGuard, projectFolder } from './command.ts';

const shipped = new URL('../../temporal.config.json', import.meta.url);

/** The last line is the error; --json also says it on stdout. */
function errorOf(stdout: string): { status: string; error: { code: string; message: string } } {
  return JSON.parse(stdout);
}

describe('what fails says why', () => {
  it('a model folder that is not there', async () => {
    const folder = await projectFolder();
    const { code, stdout, stderr } = await modalityGuard(['run', '--model', './nowhere', '--json'], {
      folder,
    });
    expect(code).toBe(1);
    expect(errorOf(stdout)).toMatchObject({ status: 'failed', error: { code: 'BAD_INPUT' } });
    expect(stderr).toContain(join(folder, 'nowhere'));
    expect(existsSync(join(folder, '.modality-guard'))).toBe(false);
  });

  it('a configuration with an unknown key: 2, and the nearest right one', async () => {
    const folder = await projectFolder();
    const config = JSON.parse(await readFile(shipped, 'utf8')) as Record<string, unknown>;
    const { seed, ...rest } = config;
    await writeFile(join(folder, 'temporal.config.json'), JSON.stringify({ ...rest, sead: seed }));
    for (const command of [['config', 'check'], ['run']]) {
      const { code, stdout, stderr } = await modalityGuard(command, { folder });
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/temporal\.config\.json.*"sead".*"seed"/s);
    }
    expect(existsSync(join(folder, '.modality-guard'))).toBe(false);
  });

  it('a configuration that is not there', async () => {
    const { code, stderr } = await modalityGuard(['run', '--config', 'none.json'], {
      folder: await projectFolder(),
    });
    expect(code).toBe(2);
    expect(stderr).toMatch(/none\.json.*ENOENT/);
  });

  it('a port that is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const { code, stdout } = await modalityGuard(['status', '--port', String(port), '--json'], {
      folder: await projectFolder(),
    });
    expect(code).toBe(1);
    expect(errorOf(stdout).error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(errorOf(stdout).error.message).toContain(`Port ${port}`);
    await new Promise((resolve) => taken.close(resolve));
  });

  it('no server to be had', async () => {
    const folder = await projectFolder();
    const nowhere = 'http://127.0.0.1:9';
    const env = {
      PATH: folder,
      XDG_CACHE_HOME: join(folder, 'cache'),
      HTTPS_PROXY: nowhere,
      https_proxy: nowhere,
      ALL_PROXY: nowhere,
    };
    const { code, stdout, stderr } = await modalityGuard(['status'], { folder, env });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/No Temporal server is to be had[\s\S]*What to do/);
  });

  it('a server address where nobody answers', async () => {
    const { code, stderr } = await modalityGuard(['status'], {
      folder: await projectFolder(),
      env: { TEMPORAL_ADDRESS: '127.0.0.1:1' },
    });
    expect(code).toBe(1);
    expect(stderr).toMatch(/127\.0\.0\.1:1 \(from TEMPORAL_ADDRESS\) cannot be reached: ECONNREFUSED/);
  });

  it('a report where there is none', async () => {
    const { code, stderr } = await modalityGuard(['report'], { folder: await projectFolder() });
    expect(code).toBe(1);
    expect(stderr).toMatch(/No report in .*"modality-guard run" makes one/);
  });
});
