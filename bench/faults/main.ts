/**
 * Faults at random moments of run, diagnose, schedule, drift and rollout, and what came of each:
 * npm run --silent faults -- [--count <n>] [--seed <n>] [--minutes <n>] [--out <file.jsonl>]. What is in the file already is not tried
 * again. Prints a table; exit code 3 where something was not right.
 */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { count } from '../flags.ts';
import { type Batch, runBatch } from './batch.ts';
import { tableOf, wrong } from './table.ts';
import type { Trial } from './trial.ts';

const perBatch = 50;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '40' },
      out: { type: 'string' },
    },
  });
  const [total, seed, minutes] = (['count', 'seed', 'minutes'] as const).map((name) =>
    count(name, values[name]),
  );
  const out = resolve(values.out ?? `.modality-guard/faults/seed-${seed}.jsonl`);
  await mkdir(dirname(out), { recursive: true });
  const lines = (await readFile(out, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  const kept = lines.map((line) => JSON.parse(line) as { trial?: Trial; batch?: Batch });
  const trials = kept.flatMap(({ trial }) => trial ?? []).filter(({ index }) => index < total!);
  const batches = kept.flatMap(({ batch }) => batch ?? []);
  const done = new Set(trials.map(({ index }) => index));
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
  const stop = AbortSignal.any([AbortSignal.timeout(minutes! * 60_000), interrupted.signal]);
  const log = (line: string) => process.stderr.write(`${line}\n`);
  const onTrial = async (trial: Trial) => {
    trials.push(trial);
    await appendFile(out, `${JSON.stringify({ trial })}\n`);
    const bad = [trial.state, trial.trail, ...trial.differing].filter(Boolean).join('; ');
    log(
      `${trials.length}/${total} ${trial.operation}, ${trial.detail}: ${wrong(trial) ? `WRONG: ${bad}` : 'right'} (${trial.seconds.toFixed(0)} s)`,
    );
  };
  const todo = Array.from({ length: total! }, (_, index) => index).filter((index) => !done.has(index));
  while (todo.length > 0 && !stop.aborted) {
    const batch = await runBatch(todo.splice(0, perBatch), { seed: seed!, stop, onTrial, log });
    batches.push(batch);
    await appendFile(out, `${JSON.stringify({ batch })}\n`);
  }
  process.stdout.write(`${tableOf(trials, batches)}\n`);
  const left = batches.some(
    ({ files, mostServers, processes }) => processes > 0 || files.length > 0 || mostServers > 1,
  );
  if (left || trials.some(wrong)) process.exitCode = 3;
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 1;
});
