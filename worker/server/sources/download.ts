import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { privateCache } from '../../../cache/index.ts';
import { entryFile } from '../entry-file.ts';
import { directToLoopback } from '../proxy.ts';
import { installCached } from './install-cached.ts';
import type { Source } from './source.ts';

/** No byte for this long: the host is not reachable from here. */
const silenceMs = 15_000;
const pollMs = 1_000;

/** The Temporal SDK's own download of the CLI. */
export const downloadSource: Source = {
  name: "the SDK's download (temporal.download)",
  async find(log) {
    let folder: string | null = null;
    try {
      folder = await mkdtemp(join(privateCache(), 'sdk-'));
      log('Looking for a Temporal server to download (first start only)');
      const problem = await runDownload(folder);
      if (problem !== null) return { problem };
      const file = (await readdir(folder)).find((name) => !name.endsWith('.downloading'));
      if (!file) return { problem: 'it left no file' };
      return { path: await installCached(join(folder, file)) };
    } catch (error) {
      return { problem: (error as Error).message };
    } finally {
      if (folder) await rm(folder, { recursive: true, force: true });
    }
  },
  async inspect() {
    return { available: false, detail: 'tried when nothing above is there' };
  },
};

/** Null: the file is there. A process of its own, because the SDK's download cannot be interrupted. */
async function runDownload(folder: string): Promise<string | null> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(entryFile(import.meta.url, './download-entry.ts')), folder],
    { stdio: ['ignore', 'ignore', 'pipe'], env: directToLoopback(process.env) },
  );
  let message = '';
  child.stderr.on('data', (data: Buffer) => {
    message += data.toString('utf8');
  });
  let silent = false;
  const watch = watchGrowth(folder, () => {
    silent = true;
    child.kill('SIGKILL');
  });
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('close', resolve);
  });
  clearInterval(watch);
  if (code === 0) return null;
  if (silent) return `no data for ${silenceMs / 1000} s`;
  return shorten(message) || `ended with ${code}`;
}

function watchGrowth(folder: string, onSilence: () => void): NodeJS.Timeout {
  let size = 0;
  let since = Date.now();
  return setInterval(async () => {
    const now = await folderSize(folder);
    if (now !== size) {
      size = now;
      since = Date.now();
    } else if (Date.now() - since > silenceMs) onSilence();
  }, pollMs);
}

async function folderSize(folder: string): Promise<number> {
  try {
    const files = await readdir(folder);
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch {
    return 0;
  }
}

/** The SDK nests the same message several times; its end is the cause. */
function shorten(message: string): string {
  const lines = message.trim().split('\n');
  const parts = (lines.at(-1) ?? '').split(': ');
  return parts.slice(-2).join(': ').slice(0, 200);
}
