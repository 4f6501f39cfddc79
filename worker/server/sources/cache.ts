import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Source } from './source.ts';
import { temporalVersion } from './version.ts';

/** The Temporal CLI that the downloads leave in the cache. */
export const cachedVersion = '1.9.1';

/** $XDG_CACHE_HOME/modality-guard, else ~/.cache/modality-guard, else below the system's temporary folder. */
export function cacheFolder(): string {
  const xdg = process.env.XDG_CACHE_HOME;
  if (xdg && isAbsolute(xdg)) return join(xdg, 'modality-guard');
  try {
    return join(homedir(), '.cache', 'modality-guard');
  } catch {
    return join(tmpdir(), 'modality-guard-cache'); // A user without a home folder.
  }
}

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
