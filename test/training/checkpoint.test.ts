import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AdamW, float32, Parameters } from '../../engine/index.ts';
import { readCheckpoint, writeCheckpoint } from '../../training/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function trained() {
  const parameters = new Parameters([
    ['a', float32([2, 2], [1, -2, 3, 4])],
    ['b', float32([3], [5, 6, 7])],
  ]);
  const optimizer = new AdamW();
  optimizer.step(
    parameters,
    { a: float32([2, 2], [1, 1, 0, -1]), b: float32([3], [0.5, 0, 1]) },
    { learningRate: 0.1 },
  );
  return { parameters, optimizer };
}

describe('checkpoints', () => {
  it('give back weights, moments, counts and notes to the bit, and leave no other file behind', async () => {
    const path = join(folder, 'whole.safetensors');
    const { parameters, optimizer } = trained();
    await writeCheckpoint(path, {
      parameters,
      optimizer,
      step: 7,
      digest: 'run 1',
      notes: { losses: '[1,2]' },
    });
    const read = await readCheckpoint(path, 'run 1');
    expect(read).toMatchObject({ step: 7, notes: { losses: '[1,2]' }, optimizer: { steps: 1 } });
    for (const [name, tensor] of parameters.entries()) expect(read.parameters.get(name)).toEqual(tensor);
    for (const [name, { data }] of optimizer.state())
      expect(read.optimizer.state.get(name)?.data).toEqual(data);
    expect(await readdir(folder)).toEqual(['whole.safetensors']);
  });

  it('of another run, cut off, absent or no checkpoint are refused by name', async () => {
    const path = join(folder, 'other.safetensors');
    await writeCheckpoint(path, { ...trained(), step: 7, digest: 'run 1', notes: {} });
    await expect(readCheckpoint(path, 'run 2')).rejects.toThrow(
      `${path}: this checkpoint belongs to a run with`,
    );
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 4));
    await expect(readCheckpoint(path, 'run 1')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await writeFile(path, 'not a checkpoint');
    await expect(readCheckpoint(path, 'run 1')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await writeFile(path, new Parameters([['a', float32([1], [1])]]).toBytes());
    await expect(readCheckpoint(path, 'run 1')).rejects.toThrow('this is not a checkpoint of a training run');
    await expect(readCheckpoint(join(folder, 'absent'), 'run 1')).rejects.toThrow('cannot be read');
  });

  it('that cannot be written are a storage error', async () => {
    const path = join(folder, 'no such folder', 'x.safetensors');
    const written = writeCheckpoint(path, { ...trained(), step: 1, digest: '', notes: {} });
    await expect(written).rejects.toMatchObject({ code: 'STORAGE' });
  });
});
