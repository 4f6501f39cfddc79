// Prints "<passed> <failed>" of a vitest JSON report. A file that could not be loaded counts as one failure; so does a
// run that failed without saying where.
import { readFileSync } from 'node:fs';

const [path, status] = process.argv.slice(2);
let passed = 0;
let failed = 0;
try {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  passed = report.numPassedTests;
  failed = report.numFailedTests;
  failed += report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
} catch {
  // There is no report when the tests could not even start.
}
if (status !== '0' && failed === 0) failed = 1;
process.stdout.write(`${passed} ${failed}\n`);
