import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ArtifactRef, MediaType } from '../../schemas/artifact.ts';
import { ArtifactStore, auditBundle, runStep, sealBundle } from '../../store/index.ts';
import { collect, testFolder } from './folder.ts';

async function filledStore() {
  const root = testFolder();
  const store = await ArtifactStore.open(root);
  const model = testFolder();
  await writeFile(join(model, 'config.json'), '{}');
  await writeFile(join(model, 'weights.onnx'), Buffer.alloc(3_000_000, 5));
  const input = await store.putModel(model, 'mini');
  const spec = {
    step: 'diagnose',
    codeVersion: 'v1',
    parameters: { n: 2 },
    seed: 1,
    inputs: { model: input },
  };
  const run = await runStep(store, spec, async () => ({
    outputs: { table: await store.put(Buffer.from('a table'), MediaType.Parquet, 4) },
    result: 'done',
  }));
  return { root, store, input, manifest: run.manifest, table: run.outputs.table as ArtifactRef };
}

const pathOf = (root: string, { digest }: { digest: string }) =>
  join(root, 'sha256', digest.slice(7, 9), digest.slice(7));

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

test('a store that nobody touched has no problems', async () => {
  const { store } = await filledStore();
  expect(await collect(store.verify())).toEqual([]);
  expect(await collect(store.list())).toHaveLength(5);
});

test('one changed bit in any object is found and named', async () => {
  const { root, store } = await filledStore();
  for (const { digest, bytes } of await collect(store.list())) {
    const path = pathOf(root, { digest });
    await flip(path, bytes - 1);
    const problems = await collect(store.verify());
    expect(problems).toMatchObject([{ kind: 'changed', digest }]);
    expect(problems[0]?.message).toContain(root);
    await flip(path, bytes - 1);
  }
  expect(await collect(store.verify())).toEqual([]);
});

test('a missing artifact is found through the manifests that name it', async () => {
  const { root, store, input, manifest, table } = await filledStore();
  await rm(pathOf(root, table));
  expect(await collect(store.verify())).toMatchObject([
    {
      kind: 'missing',
      digest: table.digest,
      message: expect.stringContaining('output of step diagnose: "table"'),
    },
  ]);
  await rm(pathOf(root, input));
  await rm(pathOf(root, manifest));
  const problems = await collect(store.verify());
  expect(problems).toMatchObject([{ kind: 'missing', digest: manifest.digest }]);
  expect(problems[0]?.message).toContain('manifest of cache key sha256:');
});

test('a damaged index entry is found', async () => {
  const { root, store } = await filledStore();
  const [key] = await collect(store.driver.indexKeys());
  const hex = (key as string).slice(7);
  await writeFile(join(root, 'steps', hex.slice(0, 2), `${hex}.json`), '{"cacheKey":"sha256:0"}');
  expect(await collect(store.verify())).toMatchObject([{ kind: 'unreadable', digest: key }]);
});

/** A bundle as a run writes it: the manifests' references in a file, more of them in a history's payload. */
async function bundle(manifest: ArtifactRef, input: ArtifactRef): Promise<string> {
  const folder = testFolder();
  await mkdir(join(folder, 'histories'));
  await writeFile(join(folder, 'manifests.json'), JSON.stringify({ steps: [manifest] }));
  const payload = {
    metadata: { encoding: Buffer.from('json/plain').toString('base64') },
    data: Buffer.from(JSON.stringify({ model: input })).toString('base64'),
  };
  await writeFile(
    join(folder, 'histories', 'pipeline.json'),
    JSON.stringify({ events: [{ input: { payloads: [payload] } }] }),
  );
  await sealBundle(folder);
  return folder;
}

test('the audit of a bundle follows every reference, through manifests and history payloads', async () => {
  const { store, input, manifest } = await filledStore();
  const result = await auditBundle(store, await bundle(manifest, input));
  // Step manifest, its output, the model's manifest and its two files.
  expect(result).toEqual({ files: 2, artifacts: 5, bytes: expect.any(Number), problems: [] });
  expect(result.bytes).toBeGreaterThan(3_000_000);
});

test('the audit names a changed artifact deep below the bundle, and a missing one', async () => {
  const { root, store, input, manifest, table } = await filledStore();
  const folder = await bundle(manifest, input);
  const weights = (await collect(store.list())).find(({ bytes }) => bytes === 3_000_000) as {
    digest: string;
  };
  await flip(pathOf(root, weights), 1_500_000);
  await rm(pathOf(root, table));
  const { problems } = await auditBundle(store, folder);
  expect(problems).toHaveLength(2);
  const changed = problems.find(({ message }) => message.includes(weights.digest));
  expect(changed?.where).toBe(`${input.digest} $.files.weights.onnx`);
  expect(changed?.message).toContain('was changed');
  const missing = problems.find(({ message }) => message.includes(table.digest));
  expect(missing?.where).toBe(`${manifest.digest} $.outputs.table`);
  expect(missing?.message).toContain('is missing');
});

test('a reference that was forged in a history is found', async () => {
  const { store, input, manifest } = await filledStore();
  const forged = { ...input, bytes: input.bytes + 1 };
  const { problems } = await auditBundle(store, await bundle(manifest, forged));
  expect(problems).toMatchObject([
    { where: 'histories/pipeline.json $.events[0].input.payloads[0].data.model' },
  ]);
});

test('a manifest whose cache key does not follow from its content is found', async () => {
  const { store, input, manifest } = await filledStore();
  const text = Buffer.from(await store.get(manifest)).toString('utf8');
  const forged = await store.put(Buffer.from(text.replace('"n":2', '"n":3')), MediaType.Step);
  const { problems } = await auditBundle(store, await bundle(forged, input));
  expect(problems).toMatchObject([{ message: expect.stringContaining('cache key') }]);
});

test('files of the bundle that were changed, added, removed, or never sealed are found', async () => {
  const { store, input, manifest } = await filledStore();
  const folder = await bundle(manifest, input);
  await writeFile(join(folder, 'manifests.json'), JSON.stringify({ steps: [manifest], note: 'later' }));
  await writeFile(join(folder, 'added.txt'), 'x');
  await rm(join(folder, 'histories', 'pipeline.json'));
  const { problems } = await auditBundle(store, folder);
  expect(problems).toEqual([
    { where: 'histories/pipeline.json', message: 'the file is missing' },
    { where: 'manifests.json', message: 'the file was changed after the bundle was sealed' },
    { where: 'added.txt', message: 'the file was added after the bundle was sealed' },
  ]);
  await rm(join(folder, 'SHA256SUMS'));
  const unsealed = await auditBundle(store, folder);
  expect(unsealed.problems).toMatchObject([
    { where: 'SHA256SUMS', message: expect.stringContaining('ENOENT') },
  ]);
});

test('an empty bundle proves nothing, and an absent one is refused', async () => {
  const { store } = await filledStore();
  const folder = testFolder();
  await sealBundle(folder);
  expect((await auditBundle(store, folder)).problems).toMatchObject([
    { message: expect.stringContaining('nothing to verify') },
  ]);
  await expect(auditBundle(store, join(folder, 'absent'))).rejects.toMatchObject({ code: 'BAD_INPUT' });
});
