import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTokenizer, wordsOf } from '../../models/index.ts';
import { tokenizerJson } from '../../models/tokenizer.ts';

const words = ['<pad>', '<unk>', '<image>', 'A', ':', 'bag', '?', '...', 'naïve', 'x_1', '日本語'];
let folder: string;
const path = () => join(folder, 'tokenizer.json');
const write = (json: object) => writeFile(path(), JSON.stringify(json));
const good = () => tokenizerJson(words, words.slice(0, 3), '<unk>') as Record<string, object>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenizer-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a WordLevel tokenizer', () => {
  it('cuts words and runs of signs, and takes added tokens out of the raw text first', async () => {
    await write(good());
    const tokenizer = await readTokenizer(path());
    expect(tokenizer.encode('A: bag?')).toEqual([3, 4, 5, 6]);
    expect(tokenizer.encode('a<image>bag<pad> bag...')).toEqual([1, 2, 5, 0, 5, 7]);
    expect(tokenizer.encode('naïve\u00a0x_1\t日本語\n?...')).toEqual([8, 9, 10, 1]);
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.size).toBe(words.length);
    expect([tokenizer.id('A'), tokenizer.id('<image>'), tokenizer.id('Z')]).toEqual([3, 2, undefined]);
  });

  it('keeps combining marks with their letter and splits superscripts off', () => {
    expect(wordsOf('e\u0301a ²b ⓐ Ⅷ')).toEqual(['e\u0301a', '²', 'b', 'ⓐ', 'Ⅷ']);
  });

  it('names what is supported where the file is of another kind', async () => {
    await write({ ...good(), model: { type: 'BPE', vocab: {}, merges: [] } });
    await expect(readTokenizer(path())).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringMatching(/tokenizer\.json: .*model BPE.*supported: model WordLevel/),
    });
    await write({ ...good(), normalizer: { type: 'Lowercase' } });
    await expect(readTokenizer(path())).rejects.toThrow(/normalizer set/);
  });

  it('refuses a file without its unknown token, and one that is no JSON', async () => {
    await write({ ...good(), model: { type: 'WordLevel', vocab: { a: 0 }, unk_token: '<unk>' } });
    await expect(readTokenizer(path())).rejects.toThrow(/unk_token '<unk>' is not in model\.vocab/);
    await writeFile(path(), '{"model": ');
    await expect(readTokenizer(path())).rejects.toMatchObject({ code: 'BAD_MODEL' });
  });
});
