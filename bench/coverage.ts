/**
 * How often the 95 % intervals of a diagnosis and of learning curves hold the truth: `npm run --silent coverage -- [--json]
 * [--diagnoses <n>]`. Diagnoses with a known truth are simulated: source items of unequal difficulty, one to three samples each, two
 * kinds of perturbation and VQA samples. Then as many pilots on each of some known learning curves. Prints one line an interval;
 * exit code 1 where a diagnosis' share leaves 93 to 97 %, or a curve's falls below 93 %.
 */
import { parseArgs } from 'node:util';
import { diagnosisFigures, diagnosisMeasures } from '../diagnosis/index.ts';
import { Random } from '../random/index.ts';
import type { Prediction, TaskKind } from '../schemas/benchmark.ts';
import { curveCoverage } from './curve-coverage.ts';
import { count } from './flags.ts';

interface Kind {
  taskKind: TaskKind;
  perturbation: string | null;
  sources: number;
  /** Chance of a right clean answer on the easy and on the hard half of the source items. */
  clean: readonly [number, number];
  /** Chance that the perturbation talks a right answer out, on either half, and that it rights a wrong one. */
  lost: readonly [number, number];
  gained: number;
}

const kinds: readonly Kind[] = [
  {
    taskKind: 'image_heavy',
    perturbation: 'misleading_text',
    sources: 220,
    clean: [0.98, 0.8],
    lost: [0.3, 0.7],
    gained: 0.2,
  },
  {
    taskKind: 'text_heavy',
    perturbation: 'full_black',
    sources: 250,
    clean: [0.97, 0.85],
    lost: [0.02, 0.2],
    gained: 0.1,
  },
  { taskKind: 'vqa', perturbation: null, sources: 200, clean: [0.9, 0.6], lost: [0, 0], gained: 0 },
];

/** The mean over both halves. */
const mean = (of: (half: 0 | 1) => number) => (of(0) + of(1)) / 2;

/** What an endless diagnosis would find. */
function truthOf({ clean, lost, gained }: Kind) {
  const right = mean((half) => clean[half]);
  const worst = mean((half) => clean[half] * (1 - lost[half]));
  const perturbed = worst + (1 - right) * gained;
  return { clean: right, perturbed, drop: right - perturbed, worst };
}

const prediction = (id: string, taskKind: TaskKind, perturbation: string, right: boolean): Prediction => ({
  id,
  taskKind,
  perturbation,
  answer: 0,
  predicted: right ? 0 : 1,
  probabilities: right ? [0.8, 0.2] : [0.3, 0.7],
});

function simulate(seed: number): { samples: { id: string; source: string }[]; predictions: Prediction[] } {
  const samples: { id: string; source: string }[] = [];
  const predictions: Prediction[] = [];
  for (const { clean, gained, lost, perturbation, sources, taskKind } of kinds) {
    const random = new Random(seed, 'simulated diagnosis', taskKind);
    for (let s = 0; s < sources; s++) {
      const half = random.int(2) as 0 | 1;
      for (let copies = 1 + random.int(3); copies > 0; copies--) {
        const id = `${taskKind} ${s} ${copies}`;
        samples.push({ id, source: `${taskKind} ${s}` });
        const right = random.uniform() < clean[half];
        predictions.push(prediction(id, taskKind, 'origin', right));
        if (!perturbation) continue;
        const still = random.uniform() < (right ? 1 - lost[half] : gained);
        predictions.push(prediction(id, taskKind, perturbation, still));
      }
    }
  }
  return { samples, predictions };
}

type Interval = readonly [number, number];

/** The intervals of one simulated diagnosis, each with the truth that it should hold. */
function intervals(seed: number): Map<string, { ci95: Interval; truth: number }> {
  const { samples, predictions } = simulate(seed);
  const sources = new Map(samples.map(({ id, source }) => [id, source]));
  const figures = diagnosisFigures(predictions, new Map(), sources);
  const measures = diagnosisMeasures(samples, predictions, { seed });
  const found = new Map<string, { ci95: Interval; truth: number }>();
  for (const kind of kinds) {
    const truth = truthOf(kind);
    const origin = `${kind.taskKind}/origin`;
    found.set(`${origin} accuracy`, { ci95: figures[origin]!.ci95!, truth: truth.clean });
    if (!kind.perturbation) continue;
    const condition = `${kind.taskKind}/${kind.perturbation}`;
    found.set(`${condition} accuracy`, { ci95: figures[condition]!.ci95!, truth: truth.perturbed });
    found.set(`${condition} drop`, { ci95: measures.conditions[condition]!.drop!.ci95, truth: truth.drop });
    found.set(`${kind.taskKind} worst`, { ci95: measures.worst[kind.taskKind]!.ci95, truth: truth.worst });
  }
  const competency = kinds.reduce((product, kind) => product * truthOf(kind).worst, 1);
  found.set('competency', { ci95: measures.competency!.ci95, truth: competency });
  return found;
}

interface Printed {
  name: string;
  coverage: number;
  ok: boolean;
}

function print({ coverage, name, ok }: Printed, count: number, json: boolean): void {
  if (!ok) process.exitCode = 1;
  process.stdout.write(
    json
      ? `${JSON.stringify({ name: `coverage, ${name}`, coverage, diagnoses: count, ok })}\n`
      : `${name.padEnd(66)} ${(100 * coverage).toFixed(1)} % of ${count}${ok ? '' : '  outside the goal'}\n`,
  );
}

function main(): void {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, diagnoses: { type: 'string' } } });
  const json = values.json ?? false;
  const diagnoses = count('diagnoses', values.diagnoses ?? '1000');
  const covered = new Map<string, number>();
  for (let seed = 0; seed < diagnoses; seed++) {
    for (const [name, { ci95, truth }] of intervals(seed)) {
      covered.set(name, (covered.get(name) ?? 0) + Number(ci95[0] <= truth && truth <= ci95[1]));
    }
  }
  for (const [name, held] of covered) {
    const coverage = held / diagnoses;
    print({ name, coverage, ok: coverage >= 0.93 && coverage <= 0.97 }, diagnoses, json);
  }
  for (const { coverage, name } of curveCoverage(diagnoses)) {
    // Wider than need be is no failure here: real trainings vary more than their samples say.
    for (const [what, share] of Object.entries(coverage))
      print({ name: `${name}: ${what}`, coverage: share, ok: share >= 0.93 }, diagnoses, json);
  }
  for (const { coverage, name } of curveCoverage(diagnoses, 0.02)) {
    for (const [what, share] of Object.entries(coverage))
      print({ name: `varying trainings, ${name}: ${what}`, coverage: share, ok: true }, diagnoses, json);
  }
}

try {
  main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
