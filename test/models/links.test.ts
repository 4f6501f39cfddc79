import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { filesToKeep, inspectFolder, openAnswerModel } from '../../models/index.ts';
import { ArtifactStore } from '../../store/index.ts';
import { alike } from './hf-samples.ts';
import { answersOf, asHubCache, copyOf, remove, scratch, withDataFile, withModel } from './published.ts';

let parent: string;
let plain: number[];
beforeAll(async () => {
  parent = await scratch();
  plain = await answersOf(await copyOf('llava', join(parent, 'plain')));
});
afterAll(() => remove(parent));

const refusal = (folder: string) =>
  openAnswerModel(folder).then(
    (model) => model.close().then(() => 'opened'),
    (error: Error & { code?: string }) => `${error.code} ${error.message}`,
  );

describe('a folder of links', () => {
  it('is read as a snapshot of the hub cache, data files too, and kept whole', async () => {
    const folder = await copyOf('llava', join(parent, 'cached'));
    await withDataFile(folder);
    const snapshot = await asHubCache(folder, join(parent, 'hub'));
    expect(await answersOf(snapshot)).toEqual(plain);
    expect(await refusal(join(snapshot, '../..'))).toMatch(/give a folder in its snapshots\/ \(0a1b2c3d\)/);
    const options = { attack: 'pgd', eps: 0.05, alpha: 1, steps: 1, seed: 1 } as const;
    const { predictions } = await withModel(snapshot, (model) =>
      model.attack(alike('image_heavy', 2), options),
    );
    expect(predictions).toHaveLength(2);
    expect((await inspectFolder(snapshot)).family).toBe('llava');

    const store = await ArtifactStore.open(join(parent, 'store'));
    const kept = await filesToKeep(snapshot);
    const checkout = await store.checkoutModel(await store.putModel(snapshot, 'tiny', kept?.files));
    expect(await readdir(join(checkout, 'onnx'))).toContain('decoder_model_merged.onnx_data');
    expect(await answersOf(checkout)).toEqual(plain);
  });

  it('may have data files, or all of onnx/, on another disk', async () => {
    const folder = await copyOf('llava', join(parent, 'data elsewhere'));
    await withDataFile(folder);
    const data = join(folder, 'onnx/decoder_model_merged.onnx_data');
    const elsewhere = join(parent, 'big disk');
    await mkdir(elsewhere);
    await rename(data, join(elsewhere, 'weights.bin'));
    await symlink(join(elsewhere, 'weights.bin'), data);
    expect(await answersOf(folder)).toEqual(plain);

    await rename(join(folder, 'onnx'), join(elsewhere, 'onnx'));
    await symlink(join(elsewhere, 'onnx'), join(folder, 'onnx'));
    expect(await answersOf(folder)).toEqual(plain);
    expect((await filesToKeep(folder))?.files).toContain('onnx/decoder_model_merged.onnx_data');
  });

  it('may have links that lead nowhere or in a circle, where they are not needed', async () => {
    const folder = await copyOf('llava', join(parent, 'dangling'));
    await symlink('/nowhere/README.md', join(folder, 'README.md'));
    await symlink('../../blobs/123', join(folder, 'onnx/decoder_model_merged_q4.onnx'));
    await symlink('.', join(folder, 'again'));
    await symlink('loop', join(folder, 'loop'));
    expect(await answersOf(folder)).toEqual(plain);
    const kept = await filesToKeep(folder);
    expect(kept?.notes).toEqual([
      expect.stringMatching(/decoder_model_merged_q4\.onnx: is a link to nothing, and left out/),
    ]);
    const store = await ArtifactStore.open(join(parent, 'store'));
    for (const files of [kept?.files, null]) {
      const checkout = await store.checkoutModel(await store.putModel(folder, 'tiny', files));
      expect((await readdir(checkout)).sort()).toEqual(expect.arrayContaining(['config.json', 'onnx']));
      expect(await readdir(checkout)).not.toContain('README.md');
      expect(await readdir(checkout)).not.toContain('again');
    }
  });

  it('is refused by the name of the link that is needed and leads nowhere', async () => {
    const gone = async (name: string, file: string) => {
      const folder = await copyOf('llava', join(parent, name));
      await withDataFile(folder);
      await rm(join(folder, file));
      await symlink('../../blobs/456', join(folder, file));
      return refusal(folder);
    };
    expect(await gone('no config', 'config.json')).toMatch(
      /^BAD_MODEL .*config\.json: .*it is a link to \.\.\/\.\.\/blobs\/456, which is not there/,
    );
    expect(await gone('no tokenizer', 'tokenizer.json')).toMatch(/tokenizer\.json: .*link to .*456/);
    expect(await gone('no processor', 'preprocessor_config.json')).toMatch(
      /preprocessor_config\.json: .*456/,
    );
    expect(await gone('no decoder', 'onnx/decoder_model_merged.onnx')).toMatch(
      /decoder_model_merged\.onnx is missing.*links that lead nowhere: onnx\/decoder_model_merged\.onnx/,
    );
    expect(await gone('no data', 'onnx/decoder_model_merged.onnx_data')).toMatch(
      /its data file decoder_model_merged\.onnx_data is a link to .*456/,
    );
  });

  it('is told from what stands in place of files', async () => {
    const folder = await copyOf('llava', join(parent, 'flattened'));
    await writeFile(join(folder, 'config.json'), '../../blobs/0000000a');
    expect(await refusal(folder)).toMatch(/config\.json: .*where a link of the hub cache led/);
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n';
    const lfs = await copyOf('llava', join(parent, 'lfs'));
    for (const file of ['vision_encoder', 'decoder_model_merged']) {
      const bytes = await readFile(join(lfs, `onnx/${file}.onnx`));
      await writeFile(join(lfs, `onnx/${file}.onnx`), pointer);
      expect(await refusal(lfs)).toMatch(new RegExp(`${file}\\.onnx: .*git lfs pull`));
      await writeFile(join(lfs, `onnx/${file}.onnx`), bytes);
    }
  });

  it('cannot name data files outside itself', async () => {
    const folder = await copyOf('llava', join(parent, 'leads out'));
    await withDataFile(folder);
    const file = join(folder, 'onnx/decoder_model_merged.onnx');
    const bytes = await readFile(file);
    // A name of the same length, so that the lengths in the file stay right.
    const out = '../model_merged.onnx_dataXX';
    const named = 'decoder_model_merged.onnx_data';
    const changed = Buffer.from(
      bytes.toString('latin1').replaceAll(named, out.padEnd(named.length, 'X')),
      'latin1',
    );
    await writeFile(file, changed);
    await symlink('nowhere', join(folder, 'onnx/some link'));
    expect(await refusal(folder)).toMatch(/^BAD_MODEL .*decoder_model_merged\.onnx/);
  });
});
