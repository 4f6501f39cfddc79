import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeColours } from '../../pictures/index.ts';
import { connectServer, type ServerConnection } from '../../worker/server/index.ts';
import { type Case, caseNames, inCopy, type Outcome, type Run, readCase, runCommand } from './case.ts';
import { pillowCase } from './make.ts';
import { type ModeServer, startServer } from './server.ts';

let state: string;
let temporal: ServerConnection;
let server: ModeServer;
beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'guard-cases-'));
  temporal = await connectServer({ stateDir: state, log: () => {} });
  server = await startServer();
});
afterAll(async () => {
  await server?.close();
  await temporal?.close();
  await rm(state, { recursive: true, force: true });
});

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

function pillowName({ make }: Case, file: string): string {
  const recipe = make[file];
  if (recipe && 'pillow' in recipe) return recipe.pillow;
  throw new Error(`${file}: expected a recipe with 'pillow'`);
}

describe('a case that once failed', { timeout: 240_000 }, async () => {
  it.each(await caseNames())('%s', async (name) => {
    const one = await readCase(name);
    await inCopy(name, one, async (copy) => {
      expect(one.runs.length + one.pixels.length).toBeGreaterThan(0);
      for (const file of one.pixels) {
        const { data } = await decodeColours(await readFile(join(copy, file)));
        expect(Buffer.from(data).toString('base64')).toBe((await pillowCase(pillowName(one, file))).rgb);
      }
      for (const run of one.runs) {
        server.requests();
        hold(await runCommand(copy, run, { temporal: temporal.address, server: server.url }), run);
        if (run.requests !== undefined) expect(server.requests()).toBe(run.requests);
      }
    });
  });
});
