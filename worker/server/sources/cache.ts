import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../../cache/index.ts';
import { programProblem } from './seal.ts';
import type { Source } from './source.ts';
import { temporalVersion } from './version.ts';

/** The Temporal CLI that the downloads leave in the cache. */
export const cachedVersion = '1.9.1';

export function cachedExecutable(): string {
  return join(
    cacheFolder(),
    `temporal-${cachedVersion}`,
    process.platform === 'win32' ? 'temporal.exe' : 'temporal',
  );
}

/** Its version where it is there and may be run. Nothing of it runs before it is checked. */
async function look(): Promise<{ path: string; version: string } | { problem: string }> {
  const path = cachedExecutable();
  if (!existsSync(path)) return { problem: `nothing at ${path}` };
  try {
    const problem = await programProblem(path);
    if (problem !== null) return { problem };
  } catch (error) {
    return { problem: `${path} cannot be checked: ${(error as Error).message}` };
  }
  const version = await temporalVersion(path);
  return version ? { path, version } : { problem: `${path} does not run on this machine` };
}

/** What an earlier start has downloaded. */
export const cacheSource: Source = {
  name: 'cache',
  async find() {
    const found = await look();
    return 'path' in found ? { path: found.path } : found;
  },
  async inspect() {
    const found = await look();
    if ('problem' in found) return { available: false, detail: found.problem };
    return { available: true, detail: `${found.path} (${found.version})` };
  },
};
