/**
 * Mistakes in workflow code, and how many of them a replay of the kept histories shows: `npm run --silent mutants -- [--json]`.
 * Exit code 1 where fewer than 95 % are caught.
 */
import { parseArgs } from 'node:util';
import { quietly } from '../../worker/index.ts';
import { mutants } from './list.ts';
import { kinds } from './mutant.ts';
import { firstDifference, type Tried, tryMutant, withCopy } from './try.ts';

const promised = 0.95;

function table(tried: readonly Tried[]): string {
  const rows = [...kinds, null].map((kind) => {
    const own = tried.filter(({ mutant }) => kind === null || mutant.kind === kind);
    const caught = own.filter(({ caughtBy }) => caughtBy !== null);
    return `| ${kind ?? 'all'} | ${own.length} | ${caught.length} | ${own.length - caught.length} |`;
  });
  return ['| kind | mutants | caught | not caught |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

const { values } = parseArgs({ options: { json: { type: 'boolean' } } });
quietly();
const tried = await withCopy(async (folder) => {
  const all: Tried[] = [];
  const right = await firstDifference(folder, ['']);
  if (right) throw new Error(`the code without a mistake differs from ${right.history}: ${right.message}`);
  for (const mutant of mutants) {
    const one = await tryMutant(folder, mutant);
    const { caughtBy, message } = one;
    const how = caughtBy === null ? 'NOT CAUGHT' : `${caughtBy.split('_')[0]}: ${message}`;
    process.stderr.write(`${mutant.kind}, ${mutant.file}: ${mutant.name}: ${how}\n`);
    all.push(one);
  }
  return all;
});
const caught = tried.filter(({ caughtBy }) => caughtBy !== null).length;
process.stdout.write(values.json ? `${JSON.stringify(tried)}\n` : `${table(tried)}\n`);
process.exitCode = caught >= promised * tried.length ? 0 : 1;
