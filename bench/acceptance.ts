/**
 * Runs the whole pipeline on the embedded default with several seeds and holds what it trained against what the embedded default has to
 * show: `npm run acceptance` (`-- --seeds 7,8,9`, `-- --json`; `-- --model <folder>` for another base model). Judged on the held-out split,
 * by which no recipe was chosen. Runs that were made before are taken from the cache. Exit code 1 when a figure falls short.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { dataFolder } from '../data/folder.ts';
import { RunReport } from '../schemas/report.ts';
import { readSamples } from '../store/index.ts';
import { changeColumn, type Evaluation, evaluate, type Outcomes } from './ablation/evaluate.ts';
import { crossedMean } from './ablation/interval.ts';
import { wholeNumbers } from './flags.ts';

/** What the base model and a trained one answered. */
interface Answers {
  base: Outcomes;
  trained: Outcomes;
}

interface Requirement {
  what: string;
  /** By sample, of one seed. */
  of: (answers: Answers) => number[];
  /** Percent, or percentage points. */
  bound: number;
  atMost?: true;
}

const minus = (a: readonly number[], b: readonly number[]) => a.map((value, i) => value - b[i]!);
/** Of the columns that are not clean figures, the one with the fewest right answers; the pictures seen in training are one column, and unseen ones another. */
function worst(answers: Outcomes): number[] {
  const share = (column: string) => crossedMean([answers[column]!]).mean;
  const [lowest] = perturbed.toSorted((a, b) => share(a) - share(b));
  return answers[lowest!]!;
}
const perturbed = [
  'unrelated',
  'long',
  'rare words',
  'misled',
  'IH unseen',
  'OCR',
  'TH seen',
  'TH unseen',
  'target',
];

const requirements: Requirement[] = [
  { what: 'base: image-heavy, clean', of: ({ base }) => base['IH clean']!, bound: 88 },
  { what: 'base: text-heavy, clean', of: ({ base }) => base['TH clean']!, bound: 95 },
  { what: 'base: VQA', of: ({ base }) => base.VQA!, bound: 80 },
  { what: 'base: misled', of: ({ base }) => base.misled!, bound: 50, atMost: true },
  {
    what: 'base: fall under a black picture',
    of: ({ base }) => minus(base['TH clean']!, base.black!),
    bound: 8,
  },
  {
    what: 'base: right under a wrong option’s photo',
    of: ({ base }) => base.target!,
    bound: 80,
    atMost: true,
  },
  { what: 'robust: misled', of: ({ trained }) => trained.misled!, bound: 88 },
  { what: 'robust: unseen hints', of: ({ trained }) => trained['IH unseen']!, bound: 86 },
  { what: 'robust: OCR text', of: ({ trained }) => trained.OCR!, bound: 87 },
  { what: 'robust: long neutral text', of: ({ trained }) => trained.long!, bound: 88 },
  { what: 'robust: worst case', of: ({ trained }) => worst(trained), bound: 88 },
  {
    what: 'robust: text-heavy, pictures seen in training',
    of: ({ trained }) => trained['TH seen']!,
    bound: 97,
  },
  { what: 'robust: text-heavy, unseen pictures', of: ({ trained }) => trained['TH unseen']!, bound: 97 },
  { what: 'robust: helpful hint', of: ({ trained }) => trained['helpful hint']!, bound: 92 },
  { what: 'robust: VQA', of: ({ trained }) => trained.VQA!, bound: 82 },
  {
    what: 'robust: VQA lost',
    of: ({ base, trained }) => minus(base.VQA!, trained.VQA!),
    bound: 4,
    atMost: true,
  },
  {
    what: 'robust: prediction change, texts seen in training',
    of: ({ trained }) => trained[changeColumn]!,
    bound: 6,
    atMost: true,
  },
];

const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../cli/modality-guard.mjs', import.meta.url));

/** What a command prints as JSON; a gate that said no (exit code 3) is an answer, too. */
async function asked(...args: string[]): Promise<unknown> {
  const { stdout } = await run(process.execPath, [cli, ...args, '--json', '--no-input'], {
    maxBuffer: 1 << 26,
  }).catch((error) => {
    if (typeof error.stdout === 'string' && error.code === 3) return { stdout: error.stdout as string };
    throw error;
  });
  return JSON.parse(stdout);
}

/** Runs the pipeline on a base model and writes the model that it trained to `folder`. */
async function trainWith(base: string, seed: number, folder: string): Promise<void> {
  const result = await asked('run', '--policy', 'demo', '--seed', String(seed), '--model', base);
  const { report } = result as { report: { json: string } };
  const { model } = RunReport.parse(JSON.parse(await readFile(report.json, 'utf8')));
  await asked('models', 'export', model.trained, '--out', folder);
}

const split = 'heldout';

async function answersOf(model: string, seeds: readonly number[]): Promise<Answers[]> {
  const test = await readSamples(join(dataFolder(), 'benchmark', `${split}.parquet`));
  const evaluation: Evaluation = { test, samples: 600, attacked: 2, seed: 7, threads: 2 };
  const base = await evaluate(model, evaluation);
  const scratch = await mkdtemp(join(tmpdir(), 'guard-acceptance-'));
  const all: Answers[] = [];
  try {
    for (const seed of seeds) {
      process.stderr.write(`seed ${seed} …\n`);
      const folder = join(scratch, String(seed));
      await trainWith(model, seed, folder);
      all.push({ base, trained: await evaluate(folder, evaluation) });
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return all;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', multiple: true, default: ['7,8,9'] },
      model: { type: 'string', default: join(dataFolder(), 'model') },
      json: { type: 'boolean', default: false },
    },
  });
  const seeds = wholeNumbers('seeds', values.seeds);
  const answers = await answersOf(resolve(values.model), seeds);
  let short = 0;
  for (const { what, of, bound, atMost } of requirements) {
    const each = answers.map(of);
    const figures = each.map((one) => 100 * crossedMean([one]).mean);
    const { mean, half } = crossedMean(each);
    const [average, margin] = [100 * mean, 100 * half];
    const ok = atMost ? average <= bound : average >= bound;
    if (!ok) short++;
    if (values.json) {
      const line = {
        what,
        split,
        seeds,
        figures,
        mean: average,
        half: margin,
        bound,
        atMost: atMost ?? false,
        ok,
      };
      process.stdout.write(`${JSON.stringify(line)}\n`);
      continue;
    }
    const bySeed = figures.map((figure) => figure.toFixed(1).padStart(6)).join('');
    const wanted = `${atMost ? 'at most ' : 'at least'} ${bound}`;
    process.stdout.write(
      `${ok ? 'ok   ' : 'SHORT'} ${what.padEnd(50)}${bySeed}  mean ${average.toFixed(1).padStart(5)} ± ${margin.toFixed(1)}  (${wanted})\n`,
    );
  }
  if (short > 0) process.exitCode = 1;
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack ?? error.message}\n`);
  process.exitCode = 1;
});
