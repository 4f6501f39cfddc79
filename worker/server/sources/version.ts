import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const timeoutMs = 10_000;

/** The first line of `temporal --version`; null: this is no Temporal CLI that we can use. */
export async function temporalVersion(path: string): Promise<string | null> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: timeoutMs });
    const line = stdout.split('\n')[0]?.trim() ?? '';
    return /^temporal version [1-9]/.test(line) ? line : null;
  } catch {
    return null;
  }
}
