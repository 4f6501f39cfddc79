/**
 * Gradient rules that move, look up, scatter or add up, run again and again with several threads:
 * npm run --silent repetitions -- [rule...] [--json] [--repetitions <n>] [--threads <n>]. Exit code 3 where a run differs.
 */
import { parseArgs } from 'node:util';
import { count } from '../flags.ts';
import { repeatedRules } from './cases.ts';
import { differingRuns } from './repeat.ts';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      repetitions: { type: 'string', default: '10000' },
      threads: { type: 'string', default: '4' },
    },
  });
  const repetitions = count('repetitions', values.repetitions);
  const threads = count('threads', values.threads);
  const unknown = positionals.find((name) => !repeatedRules.some(({ rule }) => rule === name));
  if (unknown) throw new Error(`no rule '${unknown}' is repeated here`);
  const chosen = repeatedRules.filter(({ rule }) => positionals.length === 0 || positionals.includes(rule));
  const differing: Record<string, number> = {};
  for (const test of chosen) {
    const runs = await differingRuns(test, repetitions, threads);
    if (runs > 0) differing[test.rule] = runs;
    process.stderr.write(`${test.rule}: ${runs} of ${repetitions} runs differ\n`);
  }
  const total = Object.values(differing).reduce((sum, runs) => sum + runs, 0);
  const result = { rules: chosen.length, repetitions, threads, differingRuns: total, differing };
  const line = `${result.rules} rules, ${repetitions} runs each with ${threads} threads: ${total} runs differ.`;
  process.stdout.write(`${values.json ? JSON.stringify(result) : line}\n`);
  if (total > 0) process.exitCode = 3;
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
