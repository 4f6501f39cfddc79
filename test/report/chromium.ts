import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { install } from '../support/debian.ts';

const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

function installed(): string | null {
  const named = process.env.CHROMIUM;
  return (named ? [named] : candidates).find((path) => existsSync(path)) ?? null;
}

/**
 * The browser's program, or null with nothing done. In CI it is installed where it is absent, and a failed installation
 * is an error: there the browser tests are never left out.
 */
export function findChromium(): string | null {
  const found = installed();
  if (found !== null || !process.env.CI) return found;
  install('chromium');
  const now = installed();
  if (now === null) throw new Error('chromium was installed but is not at any of its usual places');
  return now;
}

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--hide-scrollbars',
  '--no-first-run',
];

/** Runs the browser to its end and gives its output. `profile` is a folder of its own. */
export async function browse(chromium: string, profile: string, ...args: string[]): Promise<string> {
  const run = promisify(execFile);
  const options = { timeout: 90_000, maxBuffer: 64 * 1024 * 1024 };
  const { stdout } = await run(chromium, [...flags, `--user-data-dir=${profile}`, ...args], options);
  return stdout;
}
