/**
 * Runs the whole pipeline on the embedded default with several seeds and holds the means against what the embedded
 * default has to show: `npm run acceptance` (`-- --seeds 7,8,9`, `-- --json`). Runs that were made before are taken
 * from the cache. Exit code 1 when a figure falls short.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { type DiagnosisFigures, RunReport } from '../schemas/report.ts';

interface Requirement {
  what: string;
  of: (report: RunReport) => number;
  /** Percent, or percentage points. */
  bound: number;
  atMost?: true;
}

const accuracy = (figures: DiagnosisFigures, ...conditions: string[]) =>
  mean(figures, 'accuracy', conditions);

function mean(figures: DiagnosisFigures, what: 'accuracy' | 'changeRate', conditions: string[]): number {
  const values = conditions.map((name) => {
    const found = figures[name];
    if (!found) throw new Error(`the report has no figures for ${name}`);
    return found[what];
  });
  return (100 * values.reduce((a, b) => a + b, 0)) / values.length;
}

const drop = (figures: DiagnosisFigures, name: string) =>
  accuracy(figures, 'text_heavy/origin') - accuracy(figures, `text_heavy/${name}`);
const seenPictures = ['full_black', 'full_white', 'random_pixels', 'switch'].map(
  (name) => `text_heavy/${name}`,
);
const seenTexts = ['unrelated_text', 'misleading_text'].map((name) => `image_heavy/${name}`);

const requirements: Requirement[] = [
  { what: 'base: image-heavy, clean', of: ({ base }) => accuracy(base, 'image_heavy/origin'), bound: 88 },
  { what: 'base: text-heavy, clean', of: ({ base }) => accuracy(base, 'text_heavy/origin'), bound: 95 },
  { what: 'base: VQA', of: ({ base }) => accuracy(base, 'vqa/origin'), bound: 80 },
  {
    what: 'base: misled',
    of: ({ base }) => accuracy(base, 'image_heavy/misleading_text'),
    bound: 50,
    atMost: true,
  },
  { what: 'base: fall under a black picture', of: ({ base }) => drop(base, 'full_black'), bound: 8 },
  {
    what: 'base: fall under a wrong option’s photo',
    of: ({ base }) => drop(base, 'switch_target'),
    bound: 20,
  },
  {
    what: 'robust: misled',
    of: ({ trained }) => accuracy(trained, 'image_heavy/misleading_text'),
    bound: 88,
  },
  {
    what: 'robust: unseen hints',
    of: ({ trained }) => accuracy(trained, 'image_heavy/misleading_text_unseen'),
    bound: 86,
  },
  { what: 'robust: OCR text', of: ({ trained }) => accuracy(trained, 'image_heavy/ocr_text'), bound: 87 },
  {
    what: 'robust: text-heavy, pictures seen in training',
    of: ({ trained }) => accuracy(trained, ...seenPictures),
    bound: 97,
  },
  {
    what: 'robust: text-heavy, unseen pictures',
    of: ({ trained }) => accuracy(trained, 'text_heavy/image_unseen'),
    bound: 97,
  },
  {
    what: 'robust: helpful hint',
    of: ({ trained }) => accuracy(trained, 'image_heavy/helpful_text'),
    bound: 92,
  },
  { what: 'robust: VQA', of: ({ trained }) => accuracy(trained, 'vqa/origin'), bound: 82 },
  {
    what: 'robust: VQA lost',
    of: ({ base, trained }) => accuracy(base, 'vqa/origin') - accuracy(trained, 'vqa/origin'),
    bound: 4,
    atMost: true,
  },
  {
    what: 'robust: prediction change, texts seen in training',
    of: ({ trained }) => mean(trained, 'changeRate', seenTexts),
    bound: 6,
    atMost: true,
  },
];

async function reportOf(seed: number): Promise<RunReport> {
  const cli = fileURLToPath(new URL('../../cli/modality-guard.mjs', import.meta.url));
  const args = [cli, 'run', '--json', '--no-input', '--policy', 'demo', '--seed', String(seed)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 24 }).catch(
    (error) => {
      if (typeof error.stdout === 'string' && error.code === 3) return { stdout: error.stdout as string };
      throw error;
    },
  );
  const { report } = JSON.parse(stdout) as { report: { json: string } };
  return RunReport.parse(JSON.parse(await readFile(report.json, 'utf8')));
}

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '7,8,9' }, json: { type: 'boolean', default: false } },
});
const seeds = values.seeds.split(',').map(Number);
const reports: RunReport[] = [];
for (const seed of seeds) {
  console.error(`seed ${seed} …`);
  reports.push(await reportOf(seed));
}

let short = 0;
for (const { what, of, bound, atMost } of requirements) {
  const figures = reports.map(of);
  const average = figures.reduce((a, b) => a + b, 0) / figures.length;
  const ok = atMost ? average <= bound : average >= bound;
  if (!ok) short++;
  if (values.json)
    console.log(JSON.stringify({ what, seeds, figures, mean: average, bound, atMost: atMost ?? false, ok }));
  else {
    const each = figures.map((figure) => figure.toFixed(1).padStart(6)).join('');
    const wanted = `${atMost ? 'at most ' : 'at least'} ${bound}`;
    console.log(
      `${ok ? 'ok   ' : 'SHORT'} ${what.padEnd(50)}${each}  mean ${average.toFixed(1).padStart(5)}  (${wanted})`,
    );
  }
}
process.exitCode = short === 0 ? 0 : 1;
