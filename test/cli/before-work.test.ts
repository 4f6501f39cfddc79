import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { modalityGuard, projectFolder } from './command.ts';

let folder: string;
const files = {
  'gate.yaml': 'gates: [{name: g, condition: vqa/orign, figure: accuracy, atLeast: 0.5}]\n',
  'broken.yaml': 'gates: [{name: g, condition: vqa/origin, figure: accuracy, atLeast: much}]\n',
  'task.yaml': 'tasks: [{name: t, decides: image, owner: o, scenarios: [./none.yaml]}]\n',
  'full/file': '',
};

beforeAll(async () => {
  folder = await projectFolder();
  await mkdir(join(folder, 'full'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});

describe('what a command names is looked for before a server is started', { timeout: 60_000 }, () => {
  it.each([
    ['diagnose --gate gate.yaml', /gate "g": no condition .*Did you mean "vqa\/origin"\?/s, 2],
    ['diagnose --gate broken.yaml', /broken\.yaml[\s\S]*atLeast/, 2],
    ['diagnose --benchmark full', /full: train\.parquet, test\.parquet, heldout\.parquet missing/, 1],
    ['run --model full --model-name m', /full\/config\.json/, 1],
    ['run --policy stadard', /no rollout policy "stadard": did you mean "standard"\?/, 2],
    ['run --config none.json', /none\.json/, 2],
    ['train --task none.yaml', /none\.yaml: cannot be read/, 2],
    ['train --task task.yaml', /none\.yaml/, 2],
    ['pilot --scenarios work-order', /there is no scenario pack "work-order"/, 2],
    ['pilot --mix full', /full: train\.parquet/, 1],
    ['schedule create --nightly --gate gate.yaml', /no condition .*"vqa\/orign"/, 2],
    ['schedule create --nightly --gate broken.yaml', /broken\.yaml[\s\S]*atLeast/, 2],
    ['schedule update nightly/m --gate broken.yaml', /broken\.yaml[\s\S]*atLeast/, 2],
    ['schedule update nightly/m --task none.yaml', /none\.yaml: cannot be read/, 2],
    ['drift watch --logs none', /none: there is no such folder of request logs/, 1],
    ['models export champion --out full', /full: the folder is not empty/, 1],
    ['audit export robustify/m/1 --out full', /full: the folder is not empty/, 1],
  ])('%s', async (words, message, code) => {
    const before = await readdir(folder);
    const ended = await modalityGuard(words.split(' '), { folder });
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toMatch(/Temporal server/);
    expect(ended.stdout).toBe('');
    expect(ended.code).toBe(code);
    expect(await readdir(folder)).toEqual(before);
  });
});
