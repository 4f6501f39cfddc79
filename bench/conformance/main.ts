/**
 * The engine against the node tests of ONNX: npm run --silent conformance -- [--json] [--wheel <file>] [--pack <folder>].
 * Each case's forward result is compared with the stored one, and the gradients with finite differences. Exit code 3
 * where a case fails. --pack writes the smaller cases that pass for the test suite.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type NodeCase, packCases } from './cases.ts';
import { checkCase, type Outcome, type Verdict } from './check.ts';
import { summary, table } from './summary.ts';
import { findWheel, onnxVersion, readLicences, readWheel } from './wheel.ts';

/** Larger cases are left out of the pack. */
const packedBytes = 40_000;

const note = (line: string) => process.stderr.write(`${line}\n`);

async function pack(folder: string, wheel: string, cases: readonly NodeCase[], verdicts: readonly Verdict[]) {
  const outcomes = new Map(verdicts.map(({ name, outcome }) => [name, outcome]));
  const bytes = ({ model, tensors }: NodeCase) =>
    [...tensors.values()].reduce((sum, file) => sum + file.byteLength, model.byteLength);
  const chosen = cases
    .map((test) => ({ ...test, outcome: outcomes.get(test.name) as Outcome }))
    .filter(
      (test) => (test.outcome === 'passed' || test.outcome === 'forward') && bytes(test) <= packedBytes,
    );
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'cases.br'), packCases(chosen));
  for (const [name, text] of await readLicences(wheel)) await writeFile(join(folder, name), text);
  note(`${chosen.length} cases packed into ${folder}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, wheel: { type: 'string' }, pack: { type: 'string' } },
  });
  const wheel = values.wheel ?? (await findWheel());
  const cases = await readWheel(wheel);
  if (cases.length === 0) throw new Error(`${wheel}: holds no node tests; onnx==${onnxVersion} does`);
  const verdicts: Verdict[] = [];
  for (const [i, test] of cases.entries()) {
    verdicts.push(await checkCase(test));
    if ((i + 1) % 500 === 0) note(`${i + 1} of ${cases.length} cases`);
  }
  const result = summary(verdicts);
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${table(result)}\n`);
  if (values.pack) await pack(values.pack, wheel, cases, verdicts);
  if (result.cases.failed > 0) process.exitCode = 3;
}

main().catch((error: Error) => {
  note(error.message);
  process.exitCode = 1;
});
