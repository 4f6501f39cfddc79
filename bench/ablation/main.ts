/**
 * The ablation of the method on the embedded default: `npm run ablation -- [--seeds 7,8,9]... [--arms <part of a name>]...
 * [--steps <n>] [--samples 600] [--jobs 2] [--json]`. Every arm is trained with every seed, `jobs` at once with a thread
 * each; what was measured before is taken from .modality-guard/ablation. Prints mean and interval by arm, then what each
 * part of the method gains; `--chart <file>` also draws the arms that take all steps. Exit code 1 where a gain is smaller than promised.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dataFolder } from '../../data/folder.ts';
import type { PerturbedSample } from '../../schemas/benchmark.ts';
import { stateFolder } from '../../schemas/config.ts';
import { codeVersion, digestOf, readSamples, writeAtomically } from '../../store/index.ts';
import { count, wholeNumbers } from '../flags.ts';
import { type Arm, armsOf, named } from './arms.ts';
import { drawn } from './chart.ts';
import { type Evaluation, evaluate, type Outcomes } from './evaluate.ts';
import { gainTable, type Row, table } from './table.ts';
import { withTrained } from './train.ts';

const cacheFolder = join(stateFolder, 'ablation');
const note = (line: string) => process.stderr.write(`${line}\n`);

interface Setting {
  evaluation: Evaluation;
  train: readonly PerturbedSample[];
  model: string;
}

async function measure({ config }: Arm, seed: number, setting: Setting): Promise<Outcomes> {
  const { evaluation, model, train } = setting;
  if (!config) return evaluate(model, evaluation);
  return withTrained(
    { folder: model, samples: train, config: { ...config, seed, threads: evaluation.threads } },
    (folder) => evaluate(folder, evaluation),
  );
}

/** Measures an arm with a seed, or takes what the same code measured before. */
async function figuresOf(arm: Arm, seed: number, setting: Setting): Promise<Outcomes> {
  const { samples, attacked, seed: drawnBy, threads } = setting.evaluation;
  const code = await codeVersion(['training', 'models', 'engine', 'diagnosis', 'random', 'schemas']);
  const key = digestOf({
    config: arm.config,
    seed: arm.config ? seed : 0,
    samples,
    attacked,
    drawnBy,
    threads,
    code,
  });
  const path = join(cacheFolder, `${key.slice(7, 39)}.json`);
  const known = await readFile(path, 'utf8').catch(() => null);
  if (known) return JSON.parse(known) as Outcomes;
  const begin = performance.now();
  const figures = await measure(arm, seed, setting);
  note(`${arm.name}, seed ${seed}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
  await writeAtomically(path, (write) => write(Buffer.from(JSON.stringify(figures))));
  return figures;
}

/** Results of the tasks in their order, `jobs` of them under way at once. */
async function together<T>(tasks: readonly (() => Promise<T>)[], jobs: number): Promise<T[]> {
  const results = new Array<T>(tasks.length);
  const waiting = tasks.entries();
  const worker = async () => {
    for (const [i, task] of waiting) results[i] = await task();
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', multiple: true, default: ['7,8,9'] },
      arms: { type: 'string', multiple: true, default: [''] },
      steps: { type: 'string' },
      samples: { type: 'string', default: '600' },
      jobs: { type: 'string', default: '2' },
      chart: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const samples = count('samples', values.samples);
  const seeds = wholeNumbers('seeds', values.seeds);
  const benchmark = join(dataFolder(), 'benchmark');
  const test = await readSamples(join(benchmark, 'test.parquet'));
  const setting: Setting = {
    evaluation: { test, samples, attacked: Math.min(200, samples), seed: 7, threads: 1 },
    train: await readSamples(join(benchmark, 'train.parquet')),
    model: join(dataFolder(), 'model'),
  };
  const steps = values.steps === undefined ? undefined : count('steps', values.steps);
  const chosen = armsOf(steps).filter(({ name }) => values.arms.some((part) => name.includes(part)));
  const tasks = chosen.flatMap((arm) =>
    // The model as it is knows no training seed.
    (arm.config ? seeds : seeds.slice(0, 1)).map((seed) => async () => ({
      arm: arm.name,
      seed,
      figures: await figuresOf(arm, seed, setting),
    })),
  );
  const runs = await together(tasks, count('jobs', values.jobs));
  const rows: Row[] = chosen.map(({ name }) => ({
    name,
    runs: runs.filter((run) => run.arm === name).map(({ figures }) => figures),
  }));
  const { text, failed } = gainTable(rows);
  if (values.json) for (const run of runs) process.stdout.write(`${JSON.stringify(run)}\n`);
  else process.stdout.write(`${table(rows)}\n\n${text}\n`);
  const whole = rows.filter(({ name }) => name !== named.earlyAugmentation && name !== named.earlyKl);
  if (values.chart) await writeFile(values.chart, drawn(whole));
  if (failed) process.exitCode = 1;
}

main().catch((error: Error) => {
  note(error.stack ?? error.message);
  process.exitCode = 1;
});
