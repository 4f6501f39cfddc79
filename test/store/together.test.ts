import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeTogether } from '../../store/index.ts';
import { testFolder } from './folder.ts';

const names = ['a.txt', 'b.txt'];
const fill = (text: string) => async (folder: string) => {
  for (const name of names) await writeFile(join(folder, name), text);
  return text;
};
const failing = async (folder: string) => {
  await writeFile(join(folder, 'a.txt'), 'half');
  throw new Error('no more');
};
const contents = async (folder: string) =>
  Object.fromEntries(
    await Promise.all(
      (await readdir(folder)).map(async (name) => [name, await readFile(join(folder, name), 'utf8')]),
    ),
  );

describe('files that are written together', () => {
  it('appear when all are whole', async () => {
    const out = join(await testFolder(), 'new/out');
    expect(await writeTogether(out, names, fill('one'))).toBe('one');
    expect(await contents(out)).toEqual({ 'a.txt': 'one', 'b.txt': 'one' });
    await writeTogether(out, names, fill('two'));
    expect(await contents(out)).toEqual({ 'a.txt': 'two', 'b.txt': 'two' });
  });

  it('leave nothing where they fail, and what was there as it was', async () => {
    const parent = await testFolder();
    await expect(writeTogether(join(parent, 'new/deep/out'), names, failing)).rejects.toThrow('no more');
    expect(await readdir(parent)).toEqual([]);
    const out = join(parent, 'out');
    await writeTogether(out, names, fill('one'));
    await writeFile(join(out, 'notes'), 'mine');
    await expect(writeTogether(out, names, failing)).rejects.toThrow('no more');
    expect(await contents(out)).toEqual({ 'a.txt': 'one', 'b.txt': 'one', notes: 'mine' });
  });

  it('are refused before anything is moved where a folder has a name of theirs', async () => {
    const out = await testFolder();
    await mkdir(join(out, 'b.txt'));
    await expect(writeTogether(out, names, fill('one'))).rejects.toThrow(
      /b\.txt: is a folder where a file is/,
    );
    expect(await readdir(out)).toEqual(['b.txt']);
  });

  it('are written by one at a time', async () => {
    const out = join(await testFolder(), 'out');
    const others = await writeTogether(out, names, async (folder) => {
      const tried = await Promise.allSettled([1, 2, 3].map(() => writeTogether(out, names, fill('two'))));
      await fill('one')(folder);
      return tried;
    });
    for (const other of others)
      expect(other).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'UNAVAILABLE',
          message: expect.stringMatching(/out: process \d+ is writing there; wait/),
        },
      });
    expect(await contents(out)).toEqual({ 'a.txt': 'one', 'b.txt': 'one' });
    const all = await Promise.allSettled(
      ['x', 'y', 'z'].map((text) => writeTogether(out, names, fill(text))),
    );
    const { 'a.txt': written, ...rest } = await contents(out);
    expect(rest).toEqual({ 'b.txt': written });
    expect(all.some((one) => one.status === 'fulfilled' && one.value === written)).toBe(true);
  });

  const now = Date.now() / 1000;
  const ours = { pid: process.pid, host: hostname(), started: null };
  it.each<[string, object | string, number, boolean]>([
    ['a process that is gone', { ...ours, pid: 2 ** 22 + 1 }, now, false],
    ['an earlier process of the same number', { ...ours, pid: process.ppid, started: 'earlier' }, now, false],
    ['this process, which has ended its work', ours, now, false],
    ['a process of another machine, of late', { ...ours, host: 'elsewhere' }, now, true],
    ['a process of another machine, long ago', { ...ours, host: 'elsewhere' }, now - 3600, false],
    ['nobody can say whom', '{"pid":', now, false],
  ])('make way for what was left by %s: %#', async (_, owner, time, isKept) => {
    const out = await testFolder();
    const file = join(out, '.writing/owner.json');
    await mkdir(join(out, '.writing'));
    await writeFile(join(out, '.writing/a.txt'), 'half');
    await writeFile(file, typeof owner === 'string' ? owner : JSON.stringify(owner));
    await utimes(file, time, time);
    const writing = writeTogether(out, names, fill('one'));
    if (isKept) {
      await expect(writing).rejects.toThrow(/process \d+ on elsewhere is writing there/);
      expect(await readdir(out)).toEqual(['.writing']);
      await rm(join(out, '.writing'), { recursive: true });
    } else {
      await writing;
      expect(await contents(out)).toEqual({ 'a.txt': 'one', 'b.txt': 'one' });
    }
  });
});
