import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { packageFolder } from '../../worker/config.ts';
import { bundleWorkflows } from '../../worker/workflow-bundle.ts';

const logger = new DefaultLogger('ERROR');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guard-bundle-'));
  await symlink(join(packageFolder(), 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function copyTo(place: string): Promise<string> {
  await mkdir(join(folder, place), { recursive: true });
  for (const part of ['workflows', 'schemas'])
    await cp(join(packageFolder(), part), join(folder, place, part), { recursive: true });
  return join(folder, place, 'workflows/index.ts');
}

it('gives the workflow code one digest wherever it lies, and another where a word of it changes', async () => {
  const [here, deeper] = [await copyTo('a'), await copyTo('b/c/d')];
  const one = await bundleWorkflows(here, logger);
  expect(one.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(one.code).toContain(one.digest);
  expect((await bundleWorkflows(deeper, logger)).digest).toBe(one.digest);

  const file = join(folder, 'a/workflows/rollout.ts');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace("stage: 'canary-5', share: 0.05", "stage: 'canary-5', share: 0.06"));
  expect((await bundleWorkflows(here, logger)).digest).not.toBe(one.digest);
});
