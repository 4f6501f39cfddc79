import stringWidth from 'string-width';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { examples, leavesOf, wordsOf } from '../../cli/examples.ts';
import { sameProject, suggested } from '../../cli/hints.ts';
import { programOf } from '../../cli/main.ts';
import { localTime, table } from '../../cli/views/table.ts';
import { commandLine, fitted } from '../../cli/views/text.ts';

const widest = (text: string) => Math.max(...text.split('\n').map((line) => stringWidth(line)));

/** What a command prints for --help, examples included. */
function helpOf(command: ReturnType<typeof programOf>): string {
  let text = '';
  command.configureOutput({
    writeOut: (chunk) => {
      text += chunk;
    },
  });
  command.outputHelp();
  return text;
}

afterEach(() => vi.unstubAllEnvs());

const leaves = leavesOf(programOf()).filter((command) => command.name() !== 'help');

describe('--help of every command', () => {
  it.each(leaves.map((command) => [wordsOf(command), command] as const))(
    '%s: 80 columns, an example that its flags allow, and the default of every value',
    (words, command) => {
      const help = helpOf(command);
      expect(widest(help)).toBeLessThanOrEqual(80);
      const own = examples[words] ?? [];
      expect(own.length).toBeGreaterThan(0);
      const known = command.options.map(({ long }) => long);
      for (const line of own) {
        expect(line.startsWith(words)).toBe(true);
        for (const [flag] of line.matchAll(/(?<= )--[a-z-]+/g)) expect(known, line).toContain(flag);
      }
      const silent = command.options.filter(
        (option) =>
          (option.required || option.optional) &&
          !option.mandatory &&
          option.defaultValue === undefined &&
          !/default: /.test(option.description),
      );
      expect(silent.map(({ long }) => long)).toEqual([]);
    },
  );

  it('names no command that there is not', () => {
    const there = leaves.map(wordsOf);
    expect(Object.keys(examples).filter((words) => !there.includes(words))).toEqual([]);
  });
});

describe('80 columns', () => {
  it('of a table whose cells are longer: they take several lines, and nothing is lost', () => {
    const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
    const text = table(
      ['model', 'digest', 'n', 'what'],
      [
        ['champion', digest, '12', 'taken over after the third night of shadow traffic'],
        ['模型', '日本語の説明がここに入ります。とても長い説明です。'.repeat(3), '3', '한국어'],
      ],
      [2],
    );
    expect(widest(text)).toBeLessThanOrEqual(80);
    const columns = text
      .split('\n')[1]!
      .split('  ')
      .map(({ length }) => length);
    const start = columns[0]! + 2;
    const cells = text
      .split('\n')
      .slice(2)
      .map((line) => line.slice(start, start + columns[1]!).trim());
    expect(cells.join('')).toContain(digest);
  });

  it('of a table whose rows are led by a long word: it stands whole on a line of its own, to be copied', () => {
    const id = 'diagnose/incoming-goods/62a2e0090770dec5';
    const cells = ['diagnose', 'completed', '2026-11-30 14:42:18 UTC', 'diagnose', 'inconclusive'];
    const text = table(
      ['workflow', 'type', 'state', 'started', 'stage', 'verdict'],
      [
        [id, ...cells],
        ['pilot', ...cells],
      ],
    );
    expect(widest(text)).toBeLessThanOrEqual(80);
    const [head, , ...rows] = text.split('\n');
    expect(rows).toHaveLength(3);
    expect(rows[0]).toBe(id);
    for (const row of rows.slice(1)) expect(row.indexOf('diagnose')).toBe(head!.indexOf('type'));
    const names = table(['pack', 'what'], [['marketplace-titles', 'It names another product. '.repeat(5)]]);
    expect(names).toMatch(/\nmarketplace-titles {2}It names/);
    // What is longer than a line has to be broken.
    expect(widest(table(['workflow', 'type'], [['a/'.repeat(60), 'run']]))).toBeLessThanOrEqual(80);
  });

  it('of a table whose last cells hold a path or an id: it stands whole on a line of its own', () => {
    const path = '/home/somebody/.cache/modality-guard/temporal-1.9.1/temporal';
    const rows = [
      ['a name that takes more than one line', 'x', `it lies in ${path} and works`],
      ['b', 'y', path],
    ];
    const lines = table(['what it is called', '', 'where it lies, in words and with its path'], rows).split(
      '\n',
    );
    expect(lines.filter((line) => line.trim() === path)).toHaveLength(2);
    expect(Math.max(...lines.map((line) => stringWidth(line)))).toBeLessThanOrEqual(80);
    expect(lines.join(' ').replace(/\s+/g, ' ')).toMatch(/it lies in.*temporal and works/);
  });

  it('of a table in which characters take two columns: what follows stands under its head', () => {
    const lines = table(
      ['name', 'n'],
      [
        ['画像', '12'],
        ['é', '3'],
      ],
      [1],
    ).split('\n');
    expect(lines.map((line) => stringWidth(line))).toEqual([8, 8, 8, 8]);
  });

  it('of a sentence with a command in it: the command stays on one line', () => {
    const command = 'modality-guard device install cuda --index https://packages.example/simple';
    const text = fitted(`What is missing comes with \`${command}\`, or from NVIDIA. `.repeat(3));
    expect(text.split('\n').filter((line) => line.includes(`\`${command}\``))).toHaveLength(3);
    expect(widest(text)).toBeLessThanOrEqual(80);
    // What is longer than a line cannot stay on one.
    expect(fitted(`"modality-guard ${'run '.repeat(30)}"`).split('\n').length).toBeGreaterThan(1);
  });

  it('of a command that is none of ours: it is continued', () => {
    const path = `/${'long-folder/'.repeat(7)}report.html`;
    const text = commandLine(`    xdg-open ${path}`);
    expect(text).toBe(`    xdg-open \\\n      ${path}`);
    expect(fitted(text)).toBe(text);
    expect(commandLine('    cd quality')).toBe('    cd quality');
  });

  it('of text: words and paths stay whole, and a command can be taken as it stands', () => {
    const path = `/${'long-folder/'.repeat(9)}report.html`;
    expect(fitted(`Report ${path}`)).toBe(`Report\n  ${path}`);
    const command = `  modality-guard audit export robustify/mini/0123456789abcdef --out ${path} --state-dir runs`;
    const lines = fitted(command).split('\n');
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.slice(0, -1).every((line) => line.endsWith(' \\'))).toBe(true);
    expect(lines.map((line) => line.replace(/ \\$/, '').trim()).join(' ')).toBe(command.trim());
    expect(widest(fitted('图像'.repeat(10).concat(' ').repeat(6)))).toBeLessThanOrEqual(80);
    const sentence = '画像の横に置かれた文が、モデルの答えを変えてしまいました。'.repeat(5);
    expect(widest(fitted(`  - ${sentence}`))).toBeLessThanOrEqual(80);
    expect(fitted(sentence).replaceAll(/\n */g, '')).toBe(sentence);
    expect(fitted('short')).toBe('short');
  });
});

describe('hints', () => {
  it('name the project that the flags named, as a shell takes it', () => {
    vi.stubEnv('npm_command', undefined);
    expect(suggested('report', {})).toBe('modality-guard report');
    vi.stubEnv('npm_command', 'exec');
    expect(suggested('report', {})).toBe('npx modality-guard report');
    expect(sameProject({ config: 'a b.yaml', stateDir: "it's" })).toBe(
      ` --config 'a b.yaml' --state-dir 'it'\\''s'`,
    );
  });
});

describe('times', () => {
  it('are those of the clocks here, with their zone', () => {
    vi.stubEnv('TZ', 'America/New_York');
    expect(localTime('2026-01-15T12:00:05.123Z')).toBe('2026-01-15 07:00:05 EST');
    vi.stubEnv('TZ', 'UTC');
    expect(localTime('2026-01-15T12:00:05Z')).toBe('2026-01-15 12:00:05 UTC');
    expect(localTime('later')).toBe('later');
  });
});
