import { chmod, mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type ArtifactRef, MediaType } from '../../schemas/artifact.ts';
import { ArtifactStore, canonicalJson, digestOfBytes } from '../../store/index.ts';
import { collect, filesIn, testFolder } from './folder.ts';

const bytesOf = (text: string) => Buffer.from(text);
const objectPath = (root: string, ref: ArtifactRef) => {
  const hex = ref.digest.slice(7);
  return join(root, 'sha256', hex.slice(0, 2), hex);
};

/** Writes over an object as somebody with the right to do so would. */
async function tamper(path: string, bytes: Uint8Array): Promise<void> {
  await chmod(path, 0o644);
  await writeFile(path, bytes);
}

test('an artifact is a read-only file named by the SHA-256 of its bytes, and nothing else remains', async () => {
  const root = testFolder();
  const store = await ArtifactStore.open(root);
  const ref = await store.put(bytesOf('abc'), MediaType.Binary, 3);
  const digest = 'sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(ref).toEqual({ digest, mediaType: MediaType.Binary, bytes: 3, rows: 3 });
  expect(await filesIn(root)).toEqual([join('sha256', 'ba', digest.slice(7))]);
  expect((await stat(objectPath(root, ref))).mode & 0o222).toBe(0);
  expect(Buffer.from(await store.get(ref)).toString()).toBe('abc');
  expect(await readFile(await store.path(ref), 'utf8')).toBe('abc');
  expect(await store.has(ref)).toBe(true);
});

test('a file is stored under the same digest as its bytes', async () => {
  const folder = testFolder();
  const store = await ArtifactStore.open(join(folder, 'store'));
  // Longer than one chunk of the copy.
  const bytes = Buffer.alloc(3 * 1024 * 1024 + 17, 'modality');
  await writeFile(join(folder, 'file'), bytes);
  const ref = await store.putFile(join(folder, 'file'), MediaType.Binary);
  expect(ref).toEqual(await store.put(bytes, MediaType.Binary));
  expect(bytes.equals(await store.get(ref))).toBe(true);
  const absent = store.putFile(join(folder, 'absent'), MediaType.Binary);
  await expect(absent).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining('absent'),
  });
  expect(await filesIn(join(folder, 'store', 'tmp'))).toEqual([]);
});

test('any bytes come back as they were', async () => {
  const store = await ArtifactStore.open(testFolder());
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
      const ref = await store.put(bytes, MediaType.Binary);
      expect(ref.digest).toBe(digestOfBytes(bytes));
      expect(await store.get(ref)).toEqual(bytes);
    }),
    { numRuns: 30 },
  );
});

test('a changed artifact is refused by get and path, with its place, both digests and the size', async () => {
  const root = testFolder();
  const store = await ArtifactStore.open(root);
  const ref = await store.put(bytesOf('abc'), MediaType.Binary);
  await tamper(objectPath(root, ref), bytesOf('abd'));
  for (const read of [() => store.get(ref), () => store.path(ref)]) {
    const error: Error = await read().then(
      () => expect.fail('it was read'),
      (reason) => reason,
    );
    expect(error).toMatchObject({ name: 'GuardError', code: 'BAD_ARTIFACT' });
    expect(error.message).toContain(`[folder=${root}, digest=${ref.digest}]`);
    expect(error.message).toContain(digestOfBytes(bytesOf('abd')));
    expect(error.message).toContain('audit verify');
  }
  // The content stored again repairs it.
  await store.put(bytesOf('abc'), MediaType.Binary);
  expect(Buffer.from(await store.get(ref)).toString()).toBe('abc');
});

test('a reference with another size than the bytes is refused', async () => {
  const store = await ArtifactStore.open(testFolder());
  const ref = await store.put(bytesOf('abc'), MediaType.Binary);
  expect(await store.has({ ...ref, bytes: 4 })).toBe(false);
  await expect(store.get({ ...ref, bytes: 4 })).rejects.toMatchObject({ code: 'BAD_ARTIFACT' });
});

test('a missing artifact is refused with its place, the cause kept', async () => {
  const root = testFolder();
  const store = await ArtifactStore.open(root);
  const ref = { digest: digestOfBytes('nowhere'), mediaType: MediaType.Onnx, bytes: 7 };
  expect(await store.has(ref)).toBe(false);
  const error: Error = await store.get(ref).then(
    () => expect.fail('it was read'),
    (reason) => reason,
  );
  expect(error).toMatchObject({ code: 'ARTIFACT_NOT_HERE', cause: { code: 'ENOENT' } });
  expect(error.message).toContain(`on the host ${hostname()}`);
  expect(error.message).toContain('--state-dir');
  expect(error.message).toContain(`missing [folder=${root}, digest=${ref.digest}] (application/onnx)`);
  await expect(store.path(ref)).rejects.toMatchObject({ code: 'ARTIFACT_NOT_HERE' });
});

test('many writers of the same and of other content, in several stores on one folder, do not disturb each other', async () => {
  const root = testFolder();
  const stores = await Promise.all(Array.from({ length: 4 }, () => ArtifactStore.open(root)));
  const contents = Array.from({ length: 5 }, (_, i) => Buffer.alloc(200_000 + i, `content ${i}`));
  const refs = await Promise.all(
    stores.flatMap((store) => contents.flatMap((bytes) => [store.put(bytes, 'a'), store.put(bytes, 'a')])),
  );
  expect(new Set(refs.map((ref) => ref.digest)).size).toBe(contents.length);
  for (const bytes of contents) {
    const ref = refs.find((candidate) => candidate.digest === digestOfBytes(bytes)) as ArtifactRef;
    expect(bytes.equals(await (stores[0] as ArtifactStore).get(ref))).toBe(true);
  }
  const found = await collect((stores[0] as ArtifactStore).list());
  expect(found.map(({ digest, bytes }) => [digest, bytes])).toEqual(
    contents.map((bytes) => [digestOfBytes(bytes), bytes.length]).sort(),
  );
  expect(await filesIn(join(root, 'tmp'))).toEqual([]);
});

test('a write that fails half-way leaves nothing, and its error comes out as it is', async () => {
  const root = testFolder();
  const store = await ArtifactStore.open(root);
  const failure = new RangeError('no more rows');
  const half = store.create(MediaType.Binary, async (write) => {
    await write(bytesOf('half'));
    throw failure;
  });
  await expect(half).rejects.toBe(failure);
  expect(await filesIn(root)).toEqual([]);
});

test('opening a store removes what a killed writer left a day ago, and not what one is writing now', async () => {
  const root = testFolder();
  await mkdir(join(root, 'tmp'));
  await writeFile(join(root, 'tmp', 'old'), 'x');
  await writeFile(join(root, 'tmp', 'new'), 'x');
  const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
  await utimes(join(root, 'tmp', 'old'), twoDaysAgo, twoDaysAgo);
  await ArtifactStore.open(root);
  expect(await filesIn(join(root, 'tmp'))).toEqual(['new']);
});

test('JSON is stored canonically: the order of keys does not matter, a value of another form is refused', async () => {
  const store = await ArtifactStore.open(testFolder());
  const ref = await store.putJson({ b: [1, { d: null, c: 'ü' }], a: true, gone: undefined });
  expect(ref).toEqual(await store.putJson({ a: true, b: [1, { c: 'ü', d: null }] }));
  expect(Buffer.from(await store.get(ref)).toString()).toBe('{"a":true,"b":[1,{"c":"ü","d":null}]}');
  const error: Error = await store.getJson(ref, z.object({ a: z.number() })).then(
    () => expect.fail('it was read'),
    (reason) => reason,
  );
  expect(error).toMatchObject({ code: 'BAD_ARTIFACT' });
  expect(error.message).toMatch(/expected number.*at a/s);
  await expect(store.putJson({ list: [1, Number.NaN] })).rejects.toThrow(
    '$.list[1] is not a JSON value: NaN',
  );
});

test('canonical JSON reads back to the same value and does not depend on the order of keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      // JSON has no -0.
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      const reversed = JSON.parse(JSON.stringify(value), (_, item: unknown) =>
        item !== null && typeof item === 'object' && !Array.isArray(item)
          ? Object.fromEntries(Object.entries(item).reverse())
          : item,
      );
      expect(canonicalJson(reversed)).toBe(text);
    }),
  );
});
