import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { programOf } from '../../cli/main.ts';
import { packageFolder } from '../../worker/config.ts';

const script = join(packageFolder(), 'scripts/journeys.mjs');
interface Journey {
  name: string;
  after?: string;
  blocks: { file: string; steps: { command: string }[]; writes?: { name: string; text: string } }[];
  next: Journey[];
}
const {
  agrees,
  journeysIn,
  steady,
  stepsIn,
}: {
  steady(text: string, folder?: string): string;
  agrees(expected: readonly string[], actual: readonly string[]): boolean;
  stepsIn(text: string): { command: string; output: string[]; code: number }[];
  journeysIn(texts: Map<string, string>): Map<string, Journey>;
} = await import(pathToFileURL(script).href);

const documents = async () => {
  const pages = (await readdir(join(packageFolder(), 'docs'))).filter((name) => name.endsWith('.md'));
  const names = ['README.md', ...pages.map((name) => `docs/${name}`)];
  const read = names.map(
    async (name) => [name, await readFile(join(packageFolder(), name), 'utf8')] as const,
  );
  return new Map(await Promise.all(read));
};

describe('the journeys of README.md and docs/', () => {
  it('print what stands there', { timeout: 880_000 }, async () => {
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    const code = await new Promise((done) => child.once('close', done));
    expect(printed).toMatch(/^\d+ journeys, \d+ commands, 0 not as they stand there\n$/);
    expect(code).toBe(0);
  });

  it('are all blocks of commands with what they print, and go over the pages', async () => {
    const texts = await documents();
    for (const [name, text] of texts) {
      const marked = [...text.matchAll(/^<!-- journey: .*-->\n```console$/gm)];
      expect([...text.matchAll(/^```console$/gm)], name).toHaveLength(marked.length);
    }
    const journeys = [...journeysIn(texts).values()];
    const pages = new Set(journeys.flatMap(({ blocks }) => blocks.map(({ file }) => file)));
    for (const page of ['first-steps', 'ingest', 'gates', 'scenarios', 'cli', 'ci', 'estimate', 'endpoints'])
      expect(pages).toContain(`docs/${page}.md`);
    for (const page of ['models', 'audit', 'rollout', 'report', 'training', 'workflows'])
      expect(pages).toContain(`docs/${page}.md`);
  });

  it('go on from each other, and bring files', () => {
    const console = (marks: string, body: string) =>
      `<!-- journey: ${marks} -->\n\`\`\`console\n${body}\`\`\`\n`;
    const texts = new Map([
      [
        'a.md',
        `${console('later after first', '$ b\n')}<!-- journey: later writes x.csv -->\n\`\`\`csv\n1,2\n\`\`\`\n`,
      ],
      ['b.md', console('first', '$ a\n')],
    ]);
    const journeys = journeysIn(texts);
    expect(journeys.get('first')!.next).toEqual([journeys.get('later')]);
    expect(journeys.get('later')!.blocks).toMatchObject([
      { file: 'a.md', steps: [{ command: 'b' }] },
      { steps: [], writes: { name: 'x.csv', text: '1,2\n' } },
    ]);
    expect(() => journeysIn(new Map([['c.md', console('one after none', '$ a\n')]]))).toThrow(
      /one goes on from none, which is nowhere/,
    );
    const other = '<!-- journey: one -->\n```sh\n$ a\n```\n';
    expect(() => journeysIn(new Map([['d.md', other]]))).toThrow(/d\.md: the journey one has a block of sh/);
  });

  it('are held to every line but for what is another each time', () => {
    const printed = 'Model sha256:'.concat(
      '0'.repeat(64),
      ', run robustify/mini/0123456789abcdef after 3.2 s',
    );
    expect(steady(printed)).toBe('Model sha256:…, run robustify/mini/… after … s');
    expect(steady('/tmp/j-1/quality at 2026-11-30 14:05:12 UTC', '/tmp/j-1')).toBe('…/quality at …');
    expect(agrees(['a', '…', 'd'], ['a', 'b', 'c', 'd'])).toBe(true);
    expect(agrees(['a', '…', 'd'], ['a', 'b', 'c'])).toBe(false);
    expect(agrees(['accuracy 50.0'], ['accuracy 50.1'])).toBe(false);
    expect(stepsIn('$ one \\\n  two # exit code 3\nout\n\n$ three\n')).toEqual([
      { command: 'one two # exit code 3', output: ['out', ''], code: 3 },
      { command: 'three', output: [], code: 0 },
    ]);
  });
});

describe('the recipes of docs/ci.md', () => {
  /** Words of a command, without what a shell does with them. */
  const commandsIn = (text: string) =>
    [...text.matchAll(/modality-guard ((?:[a-z-]+ ?)(?:(?! && |; |\n| > )[\s\S])*)/g)].map(([, words]) =>
      words!.trim().split(/\s+/),
    );

  it('are YAML, and their commands take the flags that are given', async () => {
    const text = await readFile(join(packageFolder(), 'docs/ci.md'), 'utf8');
    const recipes = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, body]) => body!);
    expect(recipes).toHaveLength(2);
    const [github, gitlab] = recipes.map((body) => parse(body));
    const runs: string[] = github.jobs.diagnose.steps.flatMap(({ run = [] }) => run);
    const lines: string[] = [...runs, ...gitlab.modality.before_script, ...gitlab.modality.script];
    const commands = lines.flatMap(commandsIn);
    expect(commands).toHaveLength(6);
    for (const [name, ...words] of commands) {
      const command = programOf().commands.find((one) => one.name() === name)!;
      const known = command.options.map(({ long }) => long);
      for (const flag of words.filter((word) => word.startsWith('--'))) expect(known).toContain(flag);
    }
    expect(gitlab.modality.artifacts.reports.junit).toBe('diagnosis/junit.xml');
    const written = await readFile(join(packageFolder(), 'activities/diagnosis-files.ts'), 'utf8');
    for (const name of ['junit.xml', 'report.md', 'report.json']) expect(written).toContain(`'${name}'`);
  });

  it('are found from the other pages', async () => {
    const pages = (await readdir(join(packageFolder(), 'docs'))).filter((name) => name.endsWith('.md'));
    const readme = await readFile(join(packageFolder(), 'README.md'), 'utf8');
    for (const page of ['first-steps.md', 'ci.md']) {
      expect(pages).toContain(page);
      expect(readme).toContain(`docs/${page}`);
    }
  });
});
