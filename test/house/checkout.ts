import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a clone does not hold, and what the bootstrap does not read. */
const left = new Set(['node_modules', 'dist', '.git', '.modality-guard', '.bootstrap.lock', 'test', 'docs']);

/** A copy of the checkout, by default with our packages linked into it, so that nothing needs the network. */
export async function copyOfCheckout({ linkPackages = true } = {}): Promise<string> {
  const folder = await temporaryFolder();
  const filter = (path: string) => {
    const inside = relative(root, path);
    const top = inside.split(sep)[0] ?? '';
    // Of the data only the code that finds them, and what is copied into the build.
    if (top === 'data') return /^data(.(folder\.ts|licenses.*))?$/.test(inside);
    return !left.has(top) && !top.startsWith('dist.');
  };
  await cp(root, folder, { recursive: true, filter });
  if (linkPackages) await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'guard-house-'));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program; `env` replaces variables, and removes those that are undefined. */
export function run(
  command: string,
  args: string[],
  options: { folder: string; env?: Record<string, string | undefined> },
): Promise<Ended> {
  const child = spawn(command, args, {
    cwd: options.folder,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString('utf8');
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString('utf8');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}
