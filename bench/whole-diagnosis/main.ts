/**
 * A whole diagnosis of the mini model under every heuristic perturbation, and how much of it is inference:
 * npm run --silent bench:diagnosis -- [--samples <a condition>] [--rounds <n>] [--json].
 * Everything that `diagnose --level L1 --out` does after ingest is in it, Temporal included; starting its server is not.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { count } from '../flags.ts';
import { measured, median, note } from '../measure.ts';
import type { Round } from './round.ts';

const goal = 0.7;

async function oneRound(samples: number): Promise<Round> {
  const clock = new URL('clock.js', import.meta.url).href;
  const script = fileURLToPath(new URL('round.js', import.meta.url));
  const args = ['--import', clock, script, `${samples}`];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Round;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      samples: { type: 'string', default: '600' },
      rounds: { type: 'string', default: '3' },
      json: { type: 'boolean' },
    },
  });
  const samples = count('samples', values.samples);
  const rounds: Round[] = [];
  for (let i = count('rounds', values.rounds); i > 0; i--) {
    const round = await oneRound(samples);
    rounds.push(round);
    note(JSON.stringify(round));
  }
  if (new Set(rounds.map(({ digest }) => digest)).size > 1)
    throw new Error('two diagnoses of the same seed differ in their artifacts');
  const perSecond = median(rounds.map(({ answers, seconds }) => answers / seconds));
  const share = median(rounds.map(({ inference, seconds }) => inference / seconds));
  const { load, machine } = measured(
    { name: 'whole-diagnosis', ours: share, peer: null, goal, unit: 'share' },
    { threads: 1, profile: false },
  );
  const line = {
    name: 'whole-diagnosis',
    samplesPerSecond: perSecond,
    inferenceShare: share,
    goal,
    load,
    machine,
  };
  process.stdout.write(
    values.json
      ? `${JSON.stringify(line)}\n`
      : `${perSecond.toFixed(0)} samples/s, ${(100 * share).toFixed(0)} % of the time inference (goal ${100 * goal} %), load ${load}, ${machine}\n`,
  );
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
