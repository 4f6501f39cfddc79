import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Digest, MediaType } from '../../schemas/artifact.ts';
import { type ArtifactDriver, ArtifactStore, readSamples, runStep, writeSamples } from '../../store/index.ts';
import { sample } from './data.ts';
import { collect, testFolder } from './folder.ts';

/** A store elsewhere, as a bucket would be: objects and index by key. */
class MapDriver implements ArtifactDriver {
  away = () => Promise.resolve(null);
  readonly objectsByDigest = new Map<Digest, Buffer>();
  readonly index = new Map<Digest, Uint8Array>();
  locate(digest: Digest) {
    return `[map, key=${digest}]`;
  }
  async store(fill: Parameters<ArtifactDriver['store']>[0]) {
    const chunks: Uint8Array[] = [];
    await fill(async (bytes) => {
      chunks.push(Uint8Array.from(bytes));
    });
    const bytes = Buffer.concat(chunks);
    const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    this.objectsByDigest.set(digest, bytes);
    return { digest, bytes: bytes.length };
  }
  async size(digest: Digest) {
    return this.objectsByDigest.get(digest)?.length;
  }
  async *stream(digest: Digest) {
    const bytes = this.objectsByDigest.get(digest);
    if (!bytes) throw Object.assign(new Error('no such key'), { code: 'ENOENT' });
    yield bytes.subarray(0, 3);
    yield bytes.subarray(3);
  }
  async localFile(digest: Digest): Promise<string> {
    throw new Error(`${digest} has no file`);
  }
  async *objects() {
    for (const [digest, bytes] of this.objectsByDigest) yield { digest, bytes: bytes.length };
  }
  async readIndex(key: Digest) {
    return this.index.get(key);
  }
  async writeIndex(key: Digest, bytes: Uint8Array) {
    this.index.set(key, bytes);
  }
  async *indexKeys() {
    yield* this.index.keys();
  }
}

test('the store works on another driver: artifacts, tables, steps, verification', async () => {
  const driver = new MapDriver();
  const store = new ArtifactStore(driver, join(testFolder(), 'checkouts'));
  const spec = { step: 's', codeVersion: 'v', parameters: {}, seed: 1, inputs: {} };
  const work = async () => ({ outputs: { samples: await writeSamples(store, [sample(1)]) }, result: 1 });
  const first = await runStep(store, spec, work);
  expect(await runStep(store, spec, work)).toEqual({ ...first, cached: true, seconds: 0 });
  const folder = await ArtifactStore.open(testFolder());
  const copy = await folder.put(await store.get(first.outputs.samples as never), MediaType.Parquet, 1);
  expect(copy).toEqual(first.outputs.samples);
  expect(await readSamples(await folder.path(copy))).toHaveLength(1);
  expect(await collect(store.verify())).toEqual([]);
});

test('what a driver hands over is not trusted: another object under the digest is refused and found', async () => {
  const driver = new MapDriver();
  const store = new ArtifactStore(driver, join(testFolder(), 'checkouts'));
  const ref = await store.put(Buffer.from('abcdef'), MediaType.Binary);
  driver.objectsByDigest.set(ref.digest, Buffer.from('abcdeg'));
  await expect(store.get(ref)).rejects.toMatchObject({
    code: 'BAD_ARTIFACT',
    message: expect.stringContaining(`[map, key=${ref.digest}]`),
  });
  expect(await collect(store.verify())).toMatchObject([{ kind: 'changed', digest: ref.digest }]);
});
