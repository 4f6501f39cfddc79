import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Source } from './source.ts';
import { temporalVersion } from './version.ts';

const fileName = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

/** `temporal` on PATH. */
export const pathSource: Source = {
  name: '`temporal` on PATH',
  async find() {
    const path = await onPath();
    if (!path) return { problem: 'not found' };
    const version = await temporalVersion(path);
    return version ? { path } : { problem: `${path} is no Temporal CLI of version 1 or newer` };
  },
  async inspect() {
    const path = await onPath();
    const version = path ? await temporalVersion(path) : null;
    return { available: version !== null, detail: version ? `${path} (${version})` : (path ?? 'not found') };
  },
};

async function onPath(): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const path = join(folder, fileName);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // The next folder may have it.
    }
  }
  return null;
}
