/**
 * Benchmarks against PyTorch: npm run --silent bench -- [name...] [--json] [--threads <n>] [--rounds <n>] [--profile].
 * PyTorch is looked for in python3, or in the interpreter that PYTHON names.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { comparisons } from './comparisons/index.ts';
import { count } from './flags.ts';
import { type Measurement, note, type RunOptions } from './measure.ts';

function row({ name, ours, peer, ratio, goal, unit, load }: Measurement): string {
  const figure = (value: number | null) => (value === null ? '' : `${Number(value.toPrecision(3))} ${unit}`);
  return [name, figure(ours), figure(peer), ratio.toFixed(2), `${goal}`, `${load}`].join(' | ');
}

function optionalCount(flag: string, given: string | undefined): number | undefined {
  return given === undefined ? undefined : count(flag, given);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      threads: { type: 'string' },
      rounds: { type: 'string' },
      profile: { type: 'boolean' },
    },
  });
  const names = comparisons.map(({ name }) => name);
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown) throw new Error(`there is no comparison '${unknown}'; there are ${names.join(', ')}`);
  const options: RunOptions = {
    threads: optionalCount('threads', values.threads) ?? Math.min(2, availableParallelism()),
    rounds: optionalCount('rounds', values.rounds),
    profile: values.profile ?? false,
  };
  if (!values.json)
    process.stdout.write('name | ours | PyTorch | ratio | goal | load\n--- | --- | --- | --- | --- | ---\n');
  for (const { name, what, run } of comparisons) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    note(`${name}: ${what}`);
    for (const line of await run(options)) {
      process.stdout.write(`${values.json ? JSON.stringify(line) : row(line)}\n`);
    }
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
