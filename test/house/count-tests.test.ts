import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root, run, temporaryFolder } from './checkout.ts';

async function counted(report: unknown, status: number): Promise<string> {
  const folder = await temporaryFolder();
  const path = join(folder, 'report.json');
  if (report !== undefined) await writeFile(path, JSON.stringify(report));
  return (await run(process.execPath, [join(root, '.ci/count-tests.mjs'), path, String(status)], { folder }))
    .stdout;
}

const passedFile = { status: 'passed', assertionResults: [{}] };
const unloadableFile = { status: 'failed', assertionResults: [] };

it.each([
  ['what passed and failed', { numPassedTests: 7, numFailedTests: 2, testResults: [passedFile] }, 1, '7 2\n'],
  [
    'a file that could not be loaded as a failure',
    { numPassedTests: 7, numFailedTests: 0, testResults: [passedFile, unloadableFile] },
    1,
    '7 1\n',
  ],
  [
    'a run that failed elsewhere as a failure',
    { numPassedTests: 7, numFailedTests: 0, testResults: [passedFile] },
    1,
    '7 1\n',
  ],
  ['a run without a report as a failure', undefined, 1, '0 1\n'],
  ['a good run as it is', { numPassedTests: 7, numFailedTests: 0, testResults: [passedFile] }, 0, '7 0\n'],
])('counts %s', async (_, report, status, expected) => {
  expect(await counted(report, status)).toBe(expected);
});
