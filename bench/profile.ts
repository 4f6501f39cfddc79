import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './measure.ts';
import { ourSide } from './side.ts';

/** What ONNX Runtime writes about one event; `dur` in microseconds. */
interface ProfileEvent {
  cat: string;
  name: string;
  dur: number;
  args?: { op_name?: string };
}

const steps = 8;
const skipped = 3;

/** Where our side's step goes, by kind of operation: milliseconds a step and the share of the session runs. */
export async function profile(args: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'profile-'));
  try {
    const side = ourSide('ours.js', args, { MODALITY_GUARD_PROFILE: join(folder, 'p') });
    await side.next();
    const seconds: number[] = [];
    for (let i = 0; i < steps; i++) {
      seconds.push(Number((await side.step()).seconds));
    }
    await side.close();
    const runs: ProfileEvent[][] = [];
    for (const file of await readdir(folder)) {
      runs.push(...eventsOfRuns(JSON.parse(await readFile(join(folder, file), 'utf8')) as ProfileEvent[]));
    }
    return table(
      runs.filter((run) => run.length > 0).slice(-(steps - skipped)),
      1000 * median(seconds.slice(skipped)),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Events of each run: operations come before the event that ends their run. */
function eventsOfRuns(events: readonly ProfileEvent[]): ProfileEvent[][] {
  const runs: ProfileEvent[][] = [[]];
  for (const event of events) {
    if (event.name === 'model_run') runs.push([]);
    else if (event.cat === 'Node' && event.name.endsWith('_kernel_time')) runs.at(-1)!.push(event);
  }
  return runs;
}

/** Medians over the runs: each operation of a graph runs at the same place in each run. */
function table(runs: readonly ProfileEvent[][], whole: number): string {
  const times = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const [i, { args }] of runs[0]!.entries()) {
    const name = args?.op_name ?? 'unknown';
    times.set(name, (times.get(name) ?? 0) + median(runs.map((run) => run[i]!.dur)) / 1000);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const sum = [...times.values()].reduce((a, b) => a + b, 0);
  const rows = [...times].sort(([, a], [, b]) => b - a);
  const lines = rows.map(
    ([name, time]) =>
      `${name} | ${counts.get(name)} | ${time.toFixed(2)} ms | ${((100 * time) / sum).toFixed(1)} %`,
  );
  return [
    `operations ${sum.toFixed(1)} ms of a step of ${whole.toFixed(1)} ms (with profiling)`,
    ...lines,
  ].join('\n');
}
