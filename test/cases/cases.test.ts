import { describe, expect, it } from 'vitest';
import { caseNames, inCopy, type Outcome, type Run, readCase, runCommand } from './case.ts';

function hold(outcome: Outcome, run: Run): void {
  const { code, rejects, samples, stderr, stdout } = outcome;
  expect(code, `${run.command.join(' ')}\n${stderr}`).toBe(run.exit);
  for (const text of run.stdout) expect(stdout).toMatch(new RegExp(text, 's'));
  for (const text of run.stderr) expect(stderr).toMatch(new RegExp(text, 's'));
  if (run.result) expect(JSON.parse(stdout)).toMatchObject(run.result);
  if (run.rejects) {
    const found = rejects.map(({ field, file, row, why }) => `${file} ${row} ${field}: ${why}`);
    expect(found).toHaveLength(run.rejects.length);
    for (const { field, file, row, why } of run.rejects) {
      const one = rejects.find((other) => other.row === row && other.field === field);
      expect(one, `${found.join('\n')}\nlacks row ${row}, field "${field}"`).toBeDefined();
      expect(one?.why).toMatch(new RegExp(why, 's'));
      if (file !== undefined) expect(one?.file).toMatch(new RegExp(file));
    }
  }
  if (run.samples) {
    expect(samples.map(({ id }) => id)).toHaveLength(run.samples.length);
    expect(samples).toMatchObject(run.samples);
  }
}

describe('a case that once failed', async () => {
  it.each(await caseNames())('%s', async (name) => {
    const one = await readCase(name);
    await inCopy(name, one, async (copy) => {
      for (const run of one.runs) hold(await runCommand(copy, run), run);
    });
  });
});
