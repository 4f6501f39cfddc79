import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MediaType, ModelManifest } from '../../schemas/artifact.ts';
import { ArtifactStore } from '../../store/index.ts';
import { filesIn, testFolder } from './folder.ts';

async function modelFolder(): Promise<string> {
  const folder = testFolder();
  await mkdir(join(folder, 'onnx'));
  await mkdir(join(folder, '.cache'));
  await writeFile(join(folder, 'config.json'), '{"model_type":"llava"}');
  await writeFile(join(folder, 'onnx', 'decoder.onnx'), Buffer.alloc(5000, 7));
  await writeFile(join(folder, 'onnx', 'decoder.onnx_data'), Buffer.alloc(9000, 8));
  await writeFile(join(folder, '.cache', 'noise'), 'x');
  return folder;
}

test('a model folder goes in and comes out as the same files, read-only, hidden ones left out', async () => {
  const folder = await modelFolder();
  const store = await ArtifactStore.open(testFolder());
  const ref = await store.putModel(folder, 'mini');
  expect(ref.mediaType).toBe(MediaType.Model);
  const manifest = await store.getJson(ref, ModelManifest);
  expect(manifest.name).toBe('mini');
  expect(manifest.files['onnx/decoder.onnx']?.mediaType).toBe(MediaType.Onnx);
  const out = await store.checkoutModel(ref);
  expect(await filesIn(out)).toEqual(['config.json', 'onnx/decoder.onnx', 'onnx/decoder.onnx_data']);
  for (const file of await filesIn(out)) {
    expect((await readFile(join(out, file))).equals(await readFile(join(folder, file)))).toBe(true);
    expect((await stat(join(out, file))).mode & 0o222).toBe(0);
  }
  expect(await store.putModel(folder, 'mini')).toEqual(ref);
  expect(await store.checkoutModel(ref)).toBe(out);
});

test('one changed byte makes another model', async () => {
  const folder = await modelFolder();
  const store = await ArtifactStore.open(testFolder());
  const ref = await store.putModel(folder, 'mini');
  await writeFile(join(folder, 'config.json'), '{"model_type":"llavb"}');
  expect((await store.putModel(folder, 'mini')).digest).not.toBe(ref.digest);
});

test('a checkout that lost a file, gained one or was replaced is laid out anew', async () => {
  const store = await ArtifactStore.open(testFolder());
  const ref = await store.putModel(await modelFolder(), 'mini');
  const out = await store.checkoutModel(ref);
  const files = await filesIn(out);
  await rm(join(out, 'config.json'));
  await store.checkoutModel(ref);
  expect(await filesIn(out)).toEqual(files);
  await writeFile(join(out, 'extra.json'), '{}');
  await store.checkoutModel(ref);
  expect(await filesIn(out)).toEqual(files);
  await rm(join(out, 'config.json'));
  await writeFile(join(out, 'config.json'), '{"model_type":"other"}');
  await store.checkoutModel(ref);
  expect(await readFile(join(out, 'config.json'), 'utf8')).toBe('{"model_type":"llava"}');
});

test('a checkout whose bytes were changed in place is refused: the stored object has changed with it', async () => {
  const store = await ArtifactStore.open(testFolder());
  const ref = await store.putModel(await modelFolder(), 'mini');
  const out = await store.checkoutModel(ref);
  await chmod(join(out, 'config.json'), 0o644);
  await writeFile(join(out, 'config.json'), '{"model_type":"LLAVA"}');
  await expect(store.checkoutModel(ref)).rejects.toMatchObject({ code: 'BAD_ARTIFACT' });
});

test('checkouts of one model at the same time give one whole folder', async () => {
  const root = testFolder();
  const store = await ArtifactStore.open(root);
  const ref = await store.putModel(await modelFolder(), 'mini');
  const outs = await Promise.all(Array.from({ length: 6 }, () => store.checkoutModel(ref)));
  expect(new Set(outs).size).toBe(1);
  expect(await filesIn(join(root, 'checkouts'))).toHaveLength(3);
});

test.each(['../outside', '/etc/outside', 'a/../../outside', 'a\\..\\outside', './a', '.hidden', 'a//b'])(
  'a manifest with the file name %s is refused',
  async (path) => {
    const root = testFolder();
    const store = await ArtifactStore.open(root);
    const file = await store.put(Buffer.from('x'), MediaType.Binary);
    const ref = await store.putJson({ kind: 'model', name: 'bad', files: { [path]: file } }, MediaType.Model);
    await expect(store.checkoutModel(ref)).rejects.toMatchObject({
      code: 'BAD_ARTIFACT',
      message: expect.stringContaining(path),
    });
    expect((await filesIn(root)).filter((name) => name.includes('outside'))).toEqual([]);
  },
);

test('an empty or absent model folder is refused by name', async () => {
  const store = await ArtifactStore.open(testFolder());
  const empty = testFolder();
  await expect(store.putModel(empty, 'm')).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining(empty),
  });
  await expect(store.putModel(join(empty, 'absent'), 'm')).rejects.toMatchObject({ code: 'BAD_INPUT' });
});
