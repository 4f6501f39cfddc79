import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gridPixels } from '../../data/build/grid.ts';
import { type Photos, readPhotos } from '../../data/build/idx.ts';
import { shippedNouns } from '../../data/build/nouns.ts';
import { buildPack } from '../../data/build/pack.ts';
import { openSources } from '../../data/build/source.ts';
import { vocabulary, writeTokenizer } from '../../data/build/vocabulary.ts';
import { readWordNet } from '../../data/build/wordnet.ts';
import { Random } from '../../random/index.ts';
import { splits } from '../../schemas/benchmark.ts';
import { writeSamplesFile } from '../../store/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'build-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function noise(count: number, seed: number): Photos {
  const random = new Random(seed, 'noise');
  const pixels = Uint8Array.from({ length: count * 16 }, () => random.int(256));
  return { count, size: 4, pixels, labels: Uint8Array.from({ length: count }, () => random.int(10)) };
}

function idx(dims: number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.writeUInt32BE(0x0800 + dims.length);
  dims.forEach((size, i) => {
    header.writeUInt32BE(size, 4 + 4 * i);
  });
  return gzipSync(Buffer.concat([header, data]));
}

describe('building the pack', () => {
  it('gives the same bytes for the same seed and others for another', async () => {
    const sources = { train: noise(15_000, 1), test: noise(9_000, 2), nouns: shippedNouns() };
    const bytes = async (seed: number, name: string) => {
      const pack = buildPack(sources, seed);
      for (const split of splits) await writeSamplesFile(join(folder, `${name}-${split}`), pack[split]);
      return Buffer.concat(
        await Promise.all(splits.map((split) => readFile(join(folder, `${name}-${split}`)))),
      );
    };
    const first = await bytes(1, 'a');
    expect((await bytes(1, 'b')).equals(first)).toBe(true);
    expect((await bytes(2, 'c')).equals(first)).toBe(false);
  });

  it('uses a photo that occurs twice once', () => {
    const test = noise(9_000, 2);
    test.pixels.copyWithin(0, 16, 32);
    const train = noise(15_000, 1);
    train.pixels.set(test.pixels.subarray(0, 16_000), 0);
    const pack = buildPack({ train, test, nouns: shippedNouns() }, 1);
    const photos = splits.flatMap((split) =>
      pack[split].flatMap((s) => (s.image === null ? [] : s.source.replace(/^photos?:/, '').split('+'))),
    );
    const pixelsOf = (id: string) => {
      const [set, index] = id.split('-') as [string, string];
      const from = set === 'train' ? train : test;
      return Buffer.from(from.pixels.subarray(16 * Number(index), 16 * Number(index) + 16)).toString('hex');
    };
    expect(new Set(photos.map(pixelsOf)).size).toBe(photos.length);
  });

  it('lays four photos out row by row', () => {
    const photos: Photos = {
      count: 4,
      size: 1,
      pixels: Uint8Array.of(1, 2, 3, 4),
      labels: new Uint8Array(4),
    };
    expect([...gridPixels(photos, [3, 2, 1, 0])]).toEqual([4, 3, 2, 1]);
  });
});

describe('the sources', () => {
  it('reads IDX files', async () => {
    await writeFile(
      join(folder, 'train-images-idx3-ubyte.gz'),
      idx([2, 2, 2], Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])),
    );
    await writeFile(join(folder, 'train-labels-idx1-ubyte.gz'), idx([2], Uint8Array.of(9, 4)));
    const photos = await readPhotos(folder, 'train');
    expect([photos.count, photos.size, [...photos.pixels], [...photos.labels]]).toEqual([
      2,
      2,
      [1, 2, 3, 4, 5, 6, 7, 8],
      [9, 4],
    ]);
  });

  it('names the file that is absent, cut off or of another kind', async () => {
    const bad = join(folder, 't10k-images-idx3-ubyte.gz');
    await expect(readPhotos(folder, 't10k')).rejects.toThrow(bad);
    await writeFile(bad, idx([2, 2, 2], new Uint8Array(7)));
    await expect(readPhotos(folder, 't10k')).rejects.toThrow(/promises 8 bytes, 7 follow/);
    await writeFile(bad, idx([8], new Uint8Array(8)));
    await expect(readPhotos(folder, 't10k')).rejects.toThrow(/3 dimensions/);
    await expect(readWordNet(folder)).rejects.toThrow(/data\.noun/);
    await expect(openSources(folder)).rejects.toThrow(/dpkg-deb -x/);
  });
});

describe('the tokenizer', () => {
  it('is a word-level one without a word twice, special tokens first', async () => {
    await writeTokenizer(join(folder, 'tokenizer'));
    const tokenizer = JSON.parse(await readFile(join(folder, 'tokenizer', 'tokenizer.json'), 'utf8'));
    const byId = Object.entries<number>(tokenizer.model.vocab).sort(([, a], [, b]) => a - b);
    const tokens = byId.map(([token]) => token);
    expect(tokens).toEqual(vocabulary());
    expect(byId.map(([, id]) => id)).toEqual(tokens.map((_, i) => i));
    expect(tokens.slice(0, 7)).toEqual(['<pad>', '<unk>', '<image>', 'A', 'B', 'C', 'D']);
    expect(tokenizer.pre_tokenizer).toEqual({ type: 'Whitespace' });
    expect(tokenizer.normalizer).toBeNull();
  });
});
