import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Check } from './check.ts';

const run = promisify(execFile);
const timeoutMs = 15_000;
const packages = ['onnxruntime-node', '@temporalio/worker'];

/** Node, npm, the packages that carry native code, Python with pip. */
export async function checkRuntime(): Promise<Check[]> {
  return [
    {
      group: 'runtime',
      name: 'Node',
      ok: true,
      needed: true,
      detail: `${process.version}, ${process.platform} ${process.arch}`,
    },
    await checkProgram('npm', ['--version'], 'comes with Node; only needed to install'),
    ...packages.map(checkPackage),
    await checkProgram('python3', ['--version'], 'only one way to get the Temporal server needs it'),
    await checkProgram('pip', ['--version'], 'only one way to get the Temporal server needs it', [
      'python3',
      '-m',
      'pip',
    ]),
  ];
}

async function checkProgram(
  name: string,
  args: string[],
  whenAbsent: string,
  instead?: string[],
): Promise<Check> {
  const check = { group: 'runtime', name, needed: false } as const;
  for (const [command, ...first] of [[name], ...(instead ? [instead] : [])]) {
    try {
      const { stdout } = await run(command as string, [...first, ...args], { timeout: timeoutMs });
      return { ...check, ok: true, detail: stdout.trim().split(' from ')[0] ?? '' };
    } catch {
      // The other way of calling it may work.
    }
  }
  return { ...check, ok: false, detail: `not found; ${whenAbsent}` };
}

function checkPackage(name: string): Check {
  const check = { group: 'runtime', name, needed: true } as const;
  try {
    const { version } = JSON.parse(readFileSync(manifestOf(name), 'utf8')) as { version: string };
    return { ...check, ok: true, detail: version };
  } catch (error) {
    return { ...check, ok: false, detail: (error as Error).message };
  }
}

/** Not every package exports its package.json: it is looked for above the package's entry. */
function manifestOf(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name);
  const folder = join('node_modules', name);
  const at = entry.lastIndexOf(folder);
  return at < 0 ? join(dirname(entry), 'package.json') : join(entry.slice(0, at), folder, 'package.json');
}
