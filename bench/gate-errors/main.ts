/**
 * How often the built-in gate errs: `npm run --silent gate-errors -- [--json] [--diagnoses <n>] [--samples <n,...>]
 * [--truth <part of a name>]`. Diagnoses of
 * models whose truth is known are simulated and judged. Prints one line a truth, number of samples and noise; exit code 1 where an
 * error that the gate promises to hold at 5 % is more often by three standard errors.
 */
import { parseArgs } from 'node:util';
import { count } from '../flags.ts';
import { type GateErrors, gateErrors, type Rate } from './rates.ts';
import { conditions } from './simulate.ts';

const everyCondition = (cost: number) => Object.fromEntries(conditions.map((condition) => [condition, cost]));
const oneCondition = (cost: number) => ({ 'image_heavy/misleading_text': cost });

/** The limit of the built-in rules is 5 points: there a pass is as wrong as a failure. */
const truths = [
  { name: 'nothing costs anything', costs: {}, held: ['fail'] },
  { name: 'one text costs 5 points', costs: oneCondition(0.05), held: ['pass', 'fail'] },
  { name: 'everything costs 5 points', costs: everyCondition(0.05), held: ['pass', 'fail'] },
  { name: 'one text costs 10 points', costs: oneCondition(0.1), held: ['pass'] },
  { name: 'everything costs 10 points', costs: everyCondition(0.1), held: ['pass'] },
] as const;

const noises = { steady: 0.02, restless: 0.1 };

/** Errors that the gate promises not to make more often than this. */
const promised = 0.05;

const exceeds = ({ share, standardError }: Rate) => share - 3 * standardError > promised;

const percent = ({ share, standardError }: Rate) =>
  `${(100 * share).toFixed(1).padStart(5)} ± ${(100 * standardError).toFixed(1)} %`;

interface Line {
  name: string;
  answers: string;
  samples: number;
  ok: boolean;
  errors: GateErrors;
}

function print({ answers, errors, name, ok, samples }: Line, diagnoses: number, json: boolean): void {
  if (!ok) process.exitCode = 1;
  const { changed, lowerHold, upperHolds, verdicts } = errors;
  const text =
    `${name.padEnd(27)} n ${String(samples).padStart(5)}, ${answers} (${(100 * changed).toFixed(1)} % change): ` +
    `pass ${percent(verdicts.pass)}, undecided ${percent(verdicts.inconclusive)}, fail ${percent(verdicts.fail)}; ` +
    `upper bound holds ${percent(upperHolds)}, lower bounds ${percent(lowerHold)}`;
  process.stdout.write(
    json
      ? `${JSON.stringify({ name, answers, samples, diagnoses, ok, ...errors })}\n`
      : `${text}${ok ? '' : '  outside the goal'}\n`,
  );
}

function main(): void {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      diagnoses: { type: 'string', default: '400' },
      samples: { type: 'string', default: '300,1000' },
      truth: { type: 'string', default: '' },
    },
  });
  const diagnoses = count('diagnoses', values.diagnoses);
  const sizes = values.samples.split(',').map((given) => count('samples', given));
  for (const { costs, held, name } of truths.filter((each) => each.name.includes(values.truth))) {
    for (const samples of sizes) {
      for (const [answers, noise] of Object.entries(noises)) {
        const errors = gateErrors({ costs, noise }, samples, diagnoses);
        const ok = !held.some((verdict) => exceeds(errors.verdicts[verdict]));
        print({ name, answers, samples, ok, errors }, diagnoses, values.json ?? false);
      }
    }
  }
}

try {
  main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
