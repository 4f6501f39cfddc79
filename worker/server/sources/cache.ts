import { join } from 'node:path';
import { cacheFolder } from '../../../cache/index.ts';
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

/** What an earlier start has downloaded. */
export const cacheSource: Source = {
  name: 'cache',
  async find() {
    const path = cachedExecutable();
    return (await temporalVersion(path)) ? { path } : { problem: `nothing at ${path}` };
  },
  async inspect() {
    const path = cachedExecutable();
    const version = await temporalVersion(path);
    return { available: version !== null, detail: version ? `${path} (${version})` : `nothing at ${path}` };
  },
};
