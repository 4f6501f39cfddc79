/**
 * How well a model holds to the picture under hints that it never met: `npm run fresh-hints -- [--model <folder>]... [--samples 200]
 * [--seed 7] [--json]`. Forms stand before the question, between it and its options and after these, alone and among 8 and 25
 * sentences that point to nothing; beside each stands its control, as many such words without the hint. Without --model the shipped base model is
 * compared with what the shipped recipe makes of it. Prints accuracy by form, position and length, in percent with 95 % intervals.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dataFolder } from '../../data/folder.ts';
import { bootstrapInterval, groupedBy } from '../../diagnosis/index.ts';
import { openModel } from '../../models/index.ts';
import type { Prediction } from '../../schemas/benchmark.ts';
import { TrainConfig } from '../../schemas/training.ts';
import { readSamples } from '../../store/index.ts';
import { withTrained } from '../ablation/train.ts';
import { count } from '../flags.ts';
import { type FreshHint, freshHints } from './rows.ts';

interface Measured {
  name: string;
  /** One a hint, in their order. */
  right: boolean[];
  followed: boolean[];
  control: boolean[];
}

async function measure(name: string, folder: string, hints: readonly FreshHint[]): Promise<Measured> {
  const model = await openModel(folder, { threads: 2 });
  try {
    const answersTo = (rows: FreshHint['hint'][]): Promise<Prediction[]> => model.predict(rows);
    const hinted = await answersTo(hints.map(({ hint }) => hint));
    const controls = await answersTo(hints.map(({ control }) => control));
    const right = ({ answer, predicted }: Prediction) => answer === predicted;
    return {
      name,
      right: hinted.map(right),
      followed: hinted.map(({ predicted }, i) => predicted === hints[i]!.hint.hinted),
      control: controls.map(right),
    };
  } finally {
    await model.close();
  }
}

interface Line {
  by: string;
  value: string;
  model: string;
  n: number;
  /** Percent; intervals at 95 %, by source item. */
  accuracy: number;
  interval: [number, number];
  control: number;
  followed: number;
}

function lineOf(
  by: string,
  value: string,
  of: Measured,
  at: readonly number[],
  hints: readonly FreshHint[],
): Line {
  const share = (values: readonly boolean[]) => (100 * at.filter((i) => values[i]).length) / at.length;
  const clusters = at.map((i) => hints[i]!.hint.source);
  const [low, high] = bootstrapInterval(
    at.map((i) => Number(of.right[i])),
    { seed: 7, clusters, stream: `${by} ${value} ${of.name}` },
  );
  return {
    by,
    value,
    model: of.name,
    n: at.length,
    accuracy: share(of.right),
    interval: [100 * low, 100 * high],
    control: share(of.control),
    followed: share(of.followed),
  };
}

function linesOf(hints: readonly FreshHint[], models: readonly Measured[]): Line[] {
  const keys: Record<string, (hint: FreshHint) => string> = {
    all: () => 'all',
    length: ({ sentences }) => (sentences === 0 ? 'the hint alone' : `among ${sentences} sentences`),
    position: ({ hint }) => hint.position!,
    form: ({ hint }) => hint.family!,
  };
  return Object.entries(keys).flatMap(([by, keyOf]) => {
    const places = groupedBy(hints.keys(), (i) => keyOf(hints[i]!));
    return [...places].flatMap(([value, at]) => models.map((model) => lineOf(by, value, model, at, hints)));
  });
}

function markdown(lines: readonly Line[], models: readonly Measured[]): string {
  const names = models.flatMap(({ name }) => [`${name}: right`, 'its control', 'hint followed']);
  const rows = [...groupedBy(lines, ({ by, value }) => `${by} | ${value}`)].map(([key, same]) => {
    const cells = same.flatMap(({ accuracy, control, followed, interval: [low, high] }) => [
      `${accuracy.toFixed(1)} (${low.toFixed(1)} to ${high.toFixed(1)})`,
      control.toFixed(1),
      followed.toFixed(1),
    ]);
    return `| ${[key, same[0]!.n, ...cells].join(' | ')} |`;
  });
  return [
    `| by | | n | ${names.join(' | ')} |`,
    `| --- | --- | ---: |${' ---: |'.repeat(names.length)}`,
    ...rows,
  ].join('\n');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', multiple: true },
      samples: { type: 'string', default: '200' },
      seed: { type: 'string', default: '7' },
      json: { type: 'boolean', default: false },
    },
  });
  const benchmark = join(dataFolder(), 'benchmark');
  const seed = count('seed', values.seed);
  const hints = await freshHints(
    await readSamples(join(benchmark, 'heldout.parquet')),
    count('samples', values.samples),
    seed,
  );
  const models: Measured[] = [];
  if (values.model) {
    for (const folder of values.model) models.push(await measure(folder, folder, hints));
  } else {
    const base = join(dataFolder(), 'model');
    models.push(await measure('base', base, hints));
    const samples = await readSamples(join(benchmark, 'train.parquet'));
    const recipe = { folder: base, samples, config: TrainConfig.parse({ seed }) };
    models.push(await withTrained(recipe, (folder) => measure('trained', folder, hints)));
  }
  const lines = linesOf(hints, models);
  if (values.json) for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`);
  else
    process.stdout.write(
      `${hints.length} hints in ${new Set(hints.map(({ hint }) => hint.family)).size} forms\n\n${markdown(lines, models)}\n`,
    );
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack ?? error.message}\n`);
  process.exitCode = 1;
});
