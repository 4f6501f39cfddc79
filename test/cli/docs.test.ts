import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { programOf } from '../../cli/main.ts';
import { packageFolder } from '../../worker/config.ts';

const docs = join(packageFolder(), 'docs');
let rows: string[];
let everything: string;
beforeAll(async () => {
  const files = (await readdir(docs)).filter((name) => name.endsWith('.md'));
  everything = (await Promise.all(files.map((name) => readFile(join(docs, name), 'utf8')))).join('\n');
  const table = (await readFile(join(docs, 'cli.md'), 'utf8')).split('\n\n')[2]!;
  rows = table.split('\n').slice(2);
});

const commands = () => programOf().commands.filter((command) => command.name() !== 'help');
const flagsOf = (command: Command): string[] => [
  ...command.options.flatMap(({ long }) => long ?? []),
  ...command.commands.flatMap(flagsOf),
];
/** Rows that begin with the command; `approve` and `reject` share one. */
const rowsOf = (name: string) =>
  rows.filter((row) => new RegExp(`^\\| (\`approve [^|]*)?\`${name}\\b`).test(row));
const flagsIn = (text: string) => [...text.matchAll(/--[a-z][a-z-]*/g)].map(([flag]) => flag);

describe('docs/cli.md', () => {
  it.each(commands().map((command) => [command.name(), command] as const))(
    'has a row for "%s" whose flags the command takes',
    (name, command) => {
      const own = rowsOf(name);
      expect(own.length).toBeGreaterThan(0);
      const known = flagsOf(command);
      for (const flag of own.flatMap(flagsIn)) expect(known, `${name} ${flag}`).toContain(flag);
    },
  );

  it('and the pages beside it explain every flag', () => {
    const said = new Set(flagsIn(everything));
    const silent = commands().flatMap((command) => flagsOf(command).filter((flag) => !said.has(flag)));
    expect([...new Set(silent)].sort()).toEqual([]);
  });
});
