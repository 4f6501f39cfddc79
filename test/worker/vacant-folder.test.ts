import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkVacant, fillVacant } from '../../worker/vacant-folder.ts';

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'vacant-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const write = (into: string) => writeFile(join(into, 'new.txt'), 'new');

describe('a folder that a command fills', () => {
  it.each(['not there yet', 'below one that is not there', 'empty'])('may be %s', async (what) => {
    const folder = join(parent, what === 'below one that is not there' ? 'a/b' : 'a');
    if (what === 'empty') await mkdir(folder);
    await fillVacant(folder, write);
    expect(await readdir(folder)).toEqual(['new.txt']);
  });

  it('is never a file, or a folder that holds something', async () => {
    const file = join(parent, 'notes.txt');
    await writeFile(file, 'mine');
    for (const taken of [file, parent]) {
      for (const refused of [checkVacant(taken), fillVacant(taken, write)])
        await expect(refused).rejects.toMatchObject({
          code: 'BAD_INPUT',
          message: expect.stringContaining(taken),
        });
    }
    expect(await readFile(file, 'utf8')).toBe('mine');
    expect(await readdir(parent)).toEqual(['notes.txt']);
  });

  it('keeps what somebody else wrote there meanwhile', async () => {
    const folder = join(parent, 'a');
    const filled = fillVacant(folder, async (into) => {
      await write(into);
      await mkdir(folder);
      await writeFile(join(folder, 'other.txt'), 'other');
    });
    await expect(filled).rejects.toMatchObject({ code: 'STORAGE' });
    expect(await readdir(parent, { recursive: true })).toEqual(['a', 'a/other.txt']);
  });

  it('is not there where it could not be filled', async () => {
    const failing = fillVacant(join(parent, 'a'), async (into) => {
      await write(into);
      throw new Error('no such history');
    });
    await expect(failing).rejects.toThrow('no such history');
    expect(await readdir(parent)).toEqual([]);
  });
});
