import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkUsers } from '../../cli/doctor/users.ts';
import { packageFolder } from '../../worker/config.ts';
import { modalityGuard, projectFolder } from './command.ts';

interface Answer {
  status: string;
  checks: { group: string; name: string; ok: boolean; needed: boolean; detail: string }[];
}

describe('doctor', () => {
  it('computes on the CPU, and says of the other providers whether they work or what they need', async () => {
    const { code, stdout } = await modalityGuard(['doctor', '--json'], { folder: await projectFolder() });
    const { status, checks } = JSON.parse(stdout) as Answer;
    const byName = new Map(checks.map((check) => [check.name, check]));
    expect(byName.get('cpu')).toMatchObject({ ok: true, detail: 'works' });
    for (const name of ['webgpu', 'cuda']) {
      const { ok, detail } = byName.get(name) as Answer['checks'][number];
      expect(detail).toMatch(
        ok ? /^works/ : name === 'cuda' ? /an NVIDIA GPU with a driver of version 580/ : /Vulkan/,
      );
    }
    const ofCuda = checks.filter(({ name }) => name.startsWith('CUDA '));
    for (const { detail, needed } of ofCuda) {
      expect(needed).toBe(false);
      // A sentence that says what to do, or on another machine that nothing helps.
      expect(detail).toMatch(/is there|install|all \d+ load|of ONNX Runtime|beside|for Linux on x64 alone/);
    }
    expect(ofCuda.length).toBeGreaterThan(0);
    expect(byName.get('training on webgpu')).toMatchObject({
      ok: true,
      detail: 'every operation of the training graph has a kernel',
    });
    expect(checks.filter(({ needed, ok }) => needed && !ok)).toEqual([]);
    expect({ code, status }).toEqual({ code: 0, status: 'ok' });
    const sources = checks.filter(({ group }) => group === 'server').map(({ name }) => name);
    expect(sources[0]).toBe('TEMPORAL_ADDRESS');
    expect(sources).toHaveLength(6);
  });

  it('is told of a device that is not there before anything begins', async () => {
    const folder = await projectFolder();
    const env = { VK_ICD_FILENAMES: '/nowhere/driver.json' };
    const { code, stdout, stderr } = await modalityGuard(['train', '--device', 'webgpu', '--json'], {
      folder,
      env,
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', error: { code: 'UNAVAILABLE' } });
    expect(stderr).toMatch(/'webgpu' does not compute here: .*libvulkan1/);
    expect(existsSync(join(folder, '.modality-guard'))).toBe(false);
  });

  it('says who else has an account, for a development server knows no users', async () => {
    const file = join(await projectFolder(), 'passwd');
    const lines = [
      'root:x:0:0::/root:/bin/bash',
      'daemon:x:2:2::/:/usr/sbin/nologin',
      'nobody:x:65534:65534::/:/bin/sh',
      'ana:x:1000:1000:Ana:/home/ana:/bin/bash',
    ];
    await writeFile(file, lines.join('\n'));
    expect(await checkUsers(file, 1000)).toMatchObject([{ ok: true, detail: `none in ${file}` }]);
    await writeFile(file, [...lines, 'ben:x:1001:1001::/home/ben:/bin/zsh', ''].join('\n'));
    const [check] = await checkUsers(file, 1000);
    expect(check).toMatchObject({ ok: false, needed: false });
    expect(check?.detail).toMatch(/^1 \(ben\): each can promote a model through a development server/);
  });

  it('names what is missing and fails', async () => {
    const folder = await projectFolder();
    const { code, stdout } = await modalityGuard(['doctor', '--config', join(folder, 'none.json')], {
      folder,
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/\ndata\n {2}PROBLEM {2}configuration: \S+none\.json/);
    expect(stdout).toMatch(/1 things? needs? to be put right/);
  });

  it('goes on where a file of the model is a link that leads nowhere', async () => {
    const folder = await projectFolder();
    const config = JSON.parse(await readFile(join(packageFolder(), 'temporal.config.json'), 'utf8'));
    config.model.folder = 'model';
    config.data.folder = join(packageFolder(), 'data/benchmark');
    await writeFile(join(folder, 'temporal.config.json'), JSON.stringify(config));
    await mkdir(join(folder, 'model'));
    await symlink('gone', join(folder, 'model/config.json'));
    const { code, stdout } = await modalityGuard(['doctor', '--json'], { folder });
    const { checks } = JSON.parse(stdout) as Answer;
    expect(code).toBe(1);
    expect(checks.find(({ name }) => name === 'model')).toMatchObject({
      ok: false,
      detail: expect.stringMatching(
        /config\.json: .*is a link to gone, which is not there: download or copy it again/,
      ),
    });
  });
});
