import { chmod, mkdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noFiles, type WatchedFiles } from '../../schemas/drift.ts';
import { isUnchanged, lookAtFolder, writeSamplesFile, writeTableFile } from '../../store/index.ts';
import { sample } from './data.ts';
import { testFolder } from './folder.ts';

const now = '2026-11-30T12:00:00.000Z';
const { signal } = new AbortController();
const look = (folder: string, files: WatchedFiles = noFiles()) =>
  lookAtFolder(folder, files, { now, signal });

/** So many requests that are text alone. */
const requests = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({
    ...sample(from + i),
    id: `r${from + i}`,
    taskKind: 'text_heavy' as const,
    split: 'test' as const,
    question: 'which one ?',
    options: ['a', 'b'],
    answer: 0,
    context: null,
    image: null,
  }));

async function wholeFile(folder: string): Promise<Buffer> {
  const path = join(folder, '.whole');
  await writeSamplesFile(path, requests(5));
  const bytes = await readFile(path);
  await rm(path);
  return bytes;
}

test('a file that is still written waits, and is read when it is whole', async () => {
  const folder = testFolder();
  const bytes = await wholeFile(folder);
  const path = join(folder, 'log.parquet');
  await writeFile(path, bytes.subarray(0, 200));
  const first = await look(folder);
  expect(first.files).toMatchObject({ waiting: [{ name: 'log.parquet' }], quarantine: [], listing: null });
  await writeFile(path, bytes.subarray(0, 300));
  const second = await look(folder, first.files);
  expect(second.files).toMatchObject({ waiting: [{ name: 'log.parquet' }], quarantine: [] });
  await writeFile(path, bytes);
  const third = await look(folder, second.files);
  expect(third).toMatchObject({
    newest: 'log.parquet',
    files: { waiting: [], quarantine: [], pending: [{ name: 'log.parquet', requests: 5 }] },
  });
  expect(await isUnchanged(folder, third.files.listing!, [])).toBe(true);
  const fourth = await look(folder, third.files);
  expect(fourth).toMatchObject({ newest: null, files: { pending: [{ requests: 5 }] } });
});

test('a file that stays cut short is kept apart with the reason, and read again when it is replaced', async () => {
  const folder = testFolder();
  const bytes = await wholeFile(folder);
  const path = join(folder, 'log.parquet');
  await writeFile(path, bytes.subarray(0, 200));
  const first = await look(folder);
  const second = await look(folder, first.files);
  expect(second.files.waiting).toEqual([]);
  expect(second.files.quarantine).toEqual([
    {
      name: 'log.parquet',
      key: first.files.waiting[0]!.key,
      reason: expect.stringMatching(/^the footer cannot be read as Parquet .*cut short/),
      since: now,
    },
  ]);
  const third = await look(folder, second.files);
  expect(third.files.quarantine).toEqual(second.files.quarantine);
  await writeFile(path, bytes);
  const fourth = await look(folder, third.files);
  expect(fourth.files).toMatchObject({ quarantine: [], pending: [{ name: 'log.parquet', requests: 5 }] });
});

test('a missing column, a row that cannot be, a folder and a link that leads nowhere do not stop the others', async () => {
  const folder = testFolder();
  const noQuestion = { taskKind: { kind: 'string' }, options: { kind: 'list<string>' } } as const;
  await writeTableFile(join(folder, 'a.parquet'), noQuestion, [{ taskKind: 'vqa', options: ['a', 'b'] }]);
  await writeSamplesFile(join(folder, 'b.parquet'), [
    ...requests(2),
    { ...requests(1, 2)[0]!, options: ['a'] },
  ]);
  await mkdir(join(folder, 'c.parquet'));
  await symlink(join(folder, 'nowhere'), join(folder, 'd.parquet'));
  await writeFile(join(folder, '.e.parquet'), 'somebody writes');
  await writeSamplesFile(join(folder, 'f.parquet'), requests(3));
  const first = await look(folder);
  expect(first.files.waiting.map(({ name }) => name)).toEqual(['a.parquet', 'b.parquet']);
  const { files } = await look(folder, first.files);
  const reasons = Object.fromEntries(files.quarantine.map(({ name, reason }) => [name, reason]));
  expect(reasons).toEqual({
    'a.parquet': expect.stringMatching(/^column "question" \(string\) is missing; column "context"/),
    'b.parquet': expect.stringMatching(/^row 2 \(the first is 0\), field "options": one option; expected/),
    'c.parquet': 'it is a folder, and a file is expected',
  });
  expect(files.pending).toMatchObject([{ name: 'f.parquet', requests: 3 }]);
  expect(await isUnchanged(folder, files.listing!, [])).toBe(true);
});

test('a file that cannot be opened is tried at each look, and read when it can', async () => {
  const folder = testFolder();
  const hidden = testFolder();
  const path = join(folder, 'loop.parquet');
  // Nobody can open a link in a circle, not even a user who may read everything.
  await symlink(path, path);
  await writeSamplesFile(join(folder, 'whole.parquet'), requests(1));
  const { files } = await look(folder);
  expect(files.quarantine).toEqual([
    {
      name: 'loop.parquet',
      key: expect.any(String),
      reason: 'cannot be read: its links lead in a circle (ELOOP); check the path',
      since: now,
      closed: true,
    },
  ]);
  expect(await isUnchanged(folder, files.listing!, ['loop.parquet'])).toBe(true);
  await writeSamplesFile(join(hidden, 'a'), requests(2));
  await rm(path);
  await symlink(join(hidden, 'a'), path);
  expect(await isUnchanged(folder, files.listing!, ['loop.parquet'])).toBe(false);
  const next = await look(folder, files);
  expect(next).toMatchObject({ newest: 'loop.parquet', files: { quarantine: [] } });
  expect(next.files.pending.map(({ requests: n }) => n)).toEqual([1, 2]);
});

test('a file that comes late is read, whatever its name and its time', async () => {
  const folder = testFolder();
  await writeSamplesFile(join(folder, '2.parquet'), requests(1));
  const first = await look(folder);
  await writeSamplesFile(join(folder, '.1'), requests(2));
  await utimes(join(folder, '.1'), 0, 0);
  await rename(join(folder, '.1'), join(folder, '1.parquet'));
  const second = await look(folder, first.files);
  expect(second.newest).toBe('1.parquet');
  expect(second.files.pending.map(({ requests: n }) => n)).toEqual([1, 2]);
  // Other permissions make no other file.
  await chmod(join(folder, '2.parquet'), 0o640);
  expect(await isUnchanged(folder, second.files.listing!, [])).toBe(false);
  expect((await look(folder, second.files)).newest).toBeNull();
});

test('what a watch of before had read by name is not read again, what it had not measured is', async () => {
  const folder = testFolder();
  for (const name of ['1', '2', '3']) await writeSamplesFile(join(folder, `${name}.parquet`), requests(1));
  const before = { cursor: '2.parquet', pending: ['1.parquet'] };
  const { files } = await look(folder, { ...noFiles(), before });
  expect(files.pending.map(({ name }) => name)).toEqual(['1.parquet', '3.parquet']);
  expect(files).not.toHaveProperty('before');
});

test('a folder that is away is told, and loses nothing', async () => {
  const folder = testFolder();
  await writeSamplesFile(join(folder, '1.parquet'), requests(1));
  const { files } = await look(folder);
  await rename(folder, `${folder}-away`);
  await expect(look(folder, files)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: `${folder}: the folder of request logs cannot be listed (it is not there)`,
  });
  await rename(`${folder}-away`, folder);
  expect(await look(folder, files)).toMatchObject({
    newest: null,
    files: { pending: [{ name: '1.parquet' }] },
  });
});

test('thousands of files are read in parts, and remembered in bounds', { timeout: 60_000 }, async () => {
  const folder = testFolder();
  const bytes = await wholeFile(folder);
  const write = async (from: number, to: number) => {
    for (let i = from; i < to; i++) await writeFile(join(folder, `${i}.parquet`), bytes);
  };
  await write(0, 1300);
  let { files, more } = await look(folder);
  expect(more).toBe(true);
  let looks = 1;
  const read = files.pending.length;
  expect(read).toBeLessThan(1300);
  while (more) {
    ({ files, more } = await look(folder, files));
    looks++;
  }
  expect(files.pending).toHaveLength(1300);
  expect(looks).toBe(Math.ceil(1300 / read));
  expect(files.seen.length).toBeGreaterThanOrEqual(1000);
  expect(files.seen.length).toBeLessThan(1300);
  expect(JSON.stringify(files.seen).length).toBeLessThan(30_000);
  expect((await look(folder, files)).newest).toBeNull();
  await write(1300, 1301);
  const { ctimeMs } = await stat(join(folder, '1300.parquet'));
  expect(ctimeMs).toBeGreaterThan(files.floor);
  expect((await look(folder, files)).newest).toBe('1300.parquet');
});
