/**
 * Prints a Markdown table of the inputs that the tests try: files, pictures, model folders, answers and errors of servers. What
 * was expected stands in the tests; the table says what came of each. Exit code 1 where something else came: `npm run inputs`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const tables = {
  'tests of yours': [
    'test/ingest/kinds.test.ts',
    'test/ingest/files.test.ts',
    'test/ingest/forms.test.ts',
    'test/ingest/pictures.test.ts',
  ],
  pictures: ['test/pictures/pillow.test.ts'],
  'model folders': ['test/models/layouts', 'test/models/folder-files.test.ts', 'test/models/links.test.ts'],
  'answers of servers': ['test/models/endpoint/readings.test.ts', 'test/models/endpoint/read-option.test.ts'],
  'errors of servers': ['test/models/endpoint/problem.test.ts', 'test/models/endpoint/outcomes.test.ts'],
};

const scratch = mkdtempSync(join(tmpdir(), 'guard-inputs-'));
const output = join(scratch, 'results.json');
const { stderr } = spawnSync(
  process.execPath,
  [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=json',
    `--outputFile=${output}`,
    ...Object.values(tables).flat(),
  ],
  { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
);
let results;
try {
  results = JSON.parse(readFileSync(output, 'utf8'));
} catch {
  process.stderr.write(stderr);
  process.exit(1);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

const cell = (text) => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim();
const lines = ['| kind | input | came |', '| --- | --- | --- |'];
const counts = new Map();
let failed = 0;
for (const { assertionResults, name } of results.testResults) {
  const file = relative(process.cwd(), name).replaceAll('\\', '/');
  const [kind] = Object.entries(tables).find(([, files]) => files.some((one) => file.startsWith(one)));
  for (const { ancestorTitles, failureMessages, meta, status, title } of assertionResults) {
    if (status !== 'passed') failed++;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const came =
      status === 'passed' ? (meta?.came ?? 'as expected') : `not as expected: ${failureMessages[0]}`;
    lines.push(`| ${kind} | ${cell([...ancestorTitles, title].join(' '))} | ${cell(came).slice(0, 300)} |`);
  }
}
process.stdout.write(`${lines.join('\n')}\n`);
const sums = [...counts].map(([kind, count]) => `${count} ${kind}`);
process.stderr.write(`${sums.join(', ')}; ${failed} not as expected\n`);
process.exitCode = failed > 0 ? 1 : 0;
