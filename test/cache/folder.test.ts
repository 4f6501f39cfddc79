import { chmod, chown, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheFolder, changeableByOthers, privateCache } from '../../cache/index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-cache-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const root = process.getuid?.() === 0;

/** No home folder: the folder of this user below the shared temporary one. */
function homeless(): string {
  vi.stubEnv('XDG_CACHE_HOME', '');
  vi.stubEnv('HOME', '');
  vi.stubEnv('TMPDIR', folder);
  return join(folder, `modality-guard-${process.getuid?.()}`);
}

describe('the cache', () => {
  it('is a folder of this user alone where there is no home folder', () => {
    const own = homeless();
    expect(cacheFolder()).toBe(own);
    expect(privateCache('cuda')).toBe(join(own, 'cuda'));
    expect(changeableByOthers(own)).toBeNull();
  });

  it.runIf(root)('is refused where another user was there before', async () => {
    const own = homeless();
    await mkdir(own);
    await chown(own, 4321, 4321);
    expect(() => privateCache()).toThrow(
      `${own} belongs to another user (4321), and programs are run from ${own}: make it yours alone (chown, chmod go-w), or set XDG_CACHE_HOME`,
    );
  });

  it('is refused where others can change it, or what it lies in', async () => {
    vi.stubEnv('XDG_CACHE_HOME', folder);
    await chmod(folder, 0o777);
    expect(() => privateCache()).toThrow(`${folder} can be changed by every user, and programs are run from`);
    await chmod(folder, 0o1777); // Sticky, as the temporary folder of a system.
    expect(privateCache()).toBe(join(folder, 'modality-guard'));
    await chmod(privateCache(), 0o1777);
    expect(() => privateCache()).toThrow(/modality-guard can be changed by every user/);
  });

  it.runIf(root)('is refused where a group of others can change it', async () => {
    await chmod(folder, 0o770);
    expect(changeableByOthers(folder)).toBeNull(); // The group of the administrator.
    await chown(folder, 0, 4321);
    await chmod(folder, 0o770);
    expect(changeableByOthers(folder)).toBe(`${folder} can be changed by its group (4321)`);
  });

  it('is looked at through links, on both ways', async () => {
    const [real, open] = [join(folder, 'real'), join(folder, 'open')];
    await mkdir(real);
    await mkdir(open);
    await symlink(real, join(open, 'link'));
    expect(changeableByOthers(join(open, 'link'))).toBeNull();
    await chmod(open, 0o777);
    expect(changeableByOthers(join(open, 'link'))).toBe(`${open} can be changed by every user`);
  });

  it('says so where it cannot be made', async () => {
    vi.stubEnv('XDG_CACHE_HOME', '/proc/self/nothing');
    expect(() => privateCache()).toThrow(/cannot be made \(E\w+\); set XDG_CACHE_HOME/);
  });
});
