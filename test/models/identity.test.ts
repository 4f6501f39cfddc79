import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { identityOf } from '../../models/index.ts';

const place = (folder: string) => fileURLToPath(new URL(`../../${folder}`, import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: files of others
type Change = (json: Record<string, any>) => unknown;

/** The identity of a folder, some of its files changed. */
function identity(folder: string, change: Record<string, Change> = {}) {
  return identityOf(async (file) => {
    const text = await readFile(join(place(folder), file), 'utf8').catch(() => null);
    if (text === null || !change[file]) return text;
    return JSON.stringify(change[file](JSON.parse(text)));
  });
}
const llava = 'test/fixtures/vlm/llava';

describe('what models can be compared by', () => {
  it('tells the embedded model from others, and families from each other', async () => {
    expect((await identity('data/model')).family).toBe('mini');
    const folders = [
      'data/model',
      ...['llava', 'qwen2_vl', 'smolvlm'].map((name) => `test/fixtures/vlm/${name}`),
    ];
    const all = await Promise.all(folders.map((folder) => identity(folder)));
    expect(new Set(all.map(({ fingerprint }) => fingerprint)).size).toBe(folders.length);
    expect(all[2]!.family).toBe('qwen2_vl');
  });

  it('stays the same when a model is saved again: another name, precision, and merges as pairs', async () => {
    const again = await identity(llava, {
      'config.json': ({ text_config, ...config }) => ({
        _name_or_path: 'elsewhere',
        torch_dtype: 'float16',
        transformers_version: '5.0.0',
        text_config: { ...text_config, use_cache: false },
        ...config,
      }),
      'tokenizer.json': (file) => {
        const { merges = [] } = file.model;
        file.model.merges = merges.map((merge: string | string[]) =>
          typeof merge === 'string' ? merge.split(' ') : merge,
        );
        return { padding: null, ...file };
      },
    });
    expect(again).toEqual(await identity(llava));
  });

  it('differs by a size and by a word', async () => {
    const { fingerprint } = await identity(llava);
    const deeper = await identity(llava, {
      'config.json': (config) => ({
        ...config,
        text_config: { ...config.text_config, num_hidden_layers: 99 },
      }),
    });
    const worded = await identity(llava, {
      'tokenizer.json': (file) => ({
        ...file,
        added_tokens: [...file.added_tokens, { id: 9999, content: '<new>' }],
      }),
    });
    expect(deeper).toMatchObject({ family: 'llava' });
    expect(new Set([fingerprint, deeper.fingerprint, worded.fingerprint]).size).toBe(3);
  });
});
