import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type ArtifactRef, MediaType, StepManifest } from '../../schemas/artifact.ts';
import { ArtifactStore, cacheKeyOf, codeVersion, runStep, type StepSpec } from '../../store/index.ts';
import { filesIn, testFolder } from './folder.ts';

async function setUp() {
  const root = testFolder();
  const store = await ArtifactStore.open(root);
  const input = await store.put(Buffer.from('input'), MediaType.Binary);
  const spec: StepSpec = {
    step: 'perturb',
    codeVersion: 'v1',
    parameters: { n: 3, names: ['a'] },
    seed: 7,
    inputs: { data: input },
  };
  let runs = 0;
  const work = async () => {
    runs++;
    const table = await store.put(Buffer.from('output'), MediaType.Binary);
    return { outputs: { table }, result: { rows: 3, note: undefined as string | undefined } };
  };
  return { root, store, spec, work, runs: () => runs };
}

const pathOf = (root: string, ref: ArtifactRef) =>
  join(root, 'sha256', ref.digest.slice(7, 9), ref.digest.slice(7));

test('a step runs once; the second time its outputs, result and manifest come from the store', async () => {
  const { root, spec, work, runs, store } = await setUp();
  const first = await runStep(store, spec, work);
  expect(first).toMatchObject({ cached: false, result: { rows: 3 } });
  expect(first.seconds).toBeGreaterThan(0);
  const again = await runStep(await ArtifactStore.open(root), spec, work);
  expect(again).toStrictEqual({ ...first, cached: true, seconds: 0 });
  expect(runs()).toBe(1);
});

test('the manifest says what was done and with what', async () => {
  const { store, spec, work } = await setUp();
  const { manifest, outputs } = await runStep(store, spec, work);
  expect(manifest.mediaType).toBe(MediaType.Step);
  const recorded = await store.getJson(manifest, StepManifest);
  expect(recorded).toMatchObject({
    ...spec,
    kind: 'step',
    outputs,
    result: { rows: 3 },
    cacheKey: cacheKeyOf(spec),
  });
  expect(Number.isNaN(Date.parse(recorded.startedAt))).toBe(false);
});

const other = { digest: `sha256:${'0'.repeat(64)}`, mediaType: 'a', bytes: 1 };
test.each<[string, Partial<StepSpec>]>([
  ['step', { step: 'diagnose' }],
  ['code version', { codeVersion: 'v2' }],
  ['parameters', { parameters: { n: 4, names: ['a'] } }],
  ['seed', { seed: 8 }],
  ['no seed', { seed: null }],
  ['input', { inputs: { data: other } }],
  ['input name', { inputs: { other } }],
])('another %s is another key, and the step runs again', async (_, change) => {
  const { store, spec, work, runs } = await setUp();
  await runStep(store, spec, work);
  const changed = { ...spec, ...change };
  expect(cacheKeyOf(changed)).not.toBe(cacheKeyOf(spec));
  expect(await runStep(store, changed, work)).toMatchObject({ cached: false });
  expect(runs()).toBe(2);
});

test('the order of parameters and the media type of an input are no part of the key', async () => {
  const { spec } = await setUp();
  const data = { ...(spec.inputs.data as ArtifactRef), mediaType: MediaType.Json };
  expect(cacheKeyOf({ ...spec, parameters: { names: ['a'], n: 3 }, inputs: { data } })).toBe(
    cacheKeyOf(spec),
  );
});

test('a step whose output is gone or cut short runs again', async () => {
  const { root, store, spec, work, runs } = await setUp();
  const { outputs } = await runStep(store, spec, work);
  const path = pathOf(root, outputs.table as ArtifactRef);
  await rm(path);
  expect(await runStep(store, spec, work)).toMatchObject({ cached: false });
  await chmod(path, 0o644);
  await writeFile(path, 'outpu');
  expect(await runStep(store, spec, work)).toMatchObject({ cached: false });
  expect(runs()).toBe(3);
  expect(Buffer.from(await store.get(outputs.table as ArtifactRef)).toString()).toBe('output');
});

test('a step whose manifest or index entry is damaged runs again', async () => {
  const { root, store, spec, work, runs } = await setUp();
  const { manifest } = await runStep(store, spec, work);
  await chmod(pathOf(root, manifest), 0o644);
  await writeFile(pathOf(root, manifest), '{}');
  expect(await runStep(store, spec, work)).toMatchObject({ cached: false });
  const [entry] = await filesIn(join(root, 'steps'));
  await writeFile(join(root, 'steps', entry as string), '{"cacheKey');
  expect(await runStep(store, spec, work)).toMatchObject({ cached: false });
  expect(runs()).toBe(3);
  expect(await runStep(store, spec, work)).toMatchObject({ cached: true });
});

test('a step that fails leaves no record and runs again', async () => {
  const { store, spec, work } = await setUp();
  const failure = new Error('no');
  await expect(runStep(store, spec, () => Promise.reject(failure))).rejects.toBe(failure);
  expect(await store.findStep(cacheKeyOf(spec))).toBeUndefined();
  expect(await runStep(store, spec, work)).toMatchObject({ cached: false });
});

test('a recorded result that no longer has the expected form is worked out again', async () => {
  const { store, spec, work } = await setUp();
  await runStep(store, spec, async () => ({ outputs: {}, result: { rows: 'three' } }));
  const run = await runStep(store, spec, work, z.object({ rows: z.number() }) as never);
  expect(run).toMatchObject({ cached: false, result: { rows: 3 } });
});

test('the code version follows the folders and packages named, not their order', async () => {
  const version = await codeVersion(['store', 'random'], ['zod']);
  expect(version).toMatch(/^[0-9a-f]{16}$/);
  expect(await codeVersion(['random', 'store', 'random'], ['zod'])).toBe(version);
  expect(await codeVersion(['random'], ['zod'])).not.toBe(version);
  expect(await codeVersion(['store', 'random'], ['zod', 'pure-rand'])).not.toBe(version);
  await expect(codeVersion(['random'], ['no-such-package'])).rejects.toThrow(
    'no-such-package is not installed',
  );
});
