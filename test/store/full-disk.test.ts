import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MediaType } from '../../schemas/artifact.ts';
import { GuardError } from '../../schemas/errors.ts';
import { ArtifactStore, runStep, writeAtomically, writeSamples } from '../../store/index.ts';
import { sample } from './data.ts';
import { filesIn, testFolder } from './folder.ts';

const disk = mkdtempSync(join(tmpdir(), 'modality-guard-disk-'));

function mount(...options: string[]): string {
  try {
    execFileSync('mount', [...options, disk], { stdio: 'pipe' });
    return '';
  } catch (error) {
    return String((error as { stderr?: Buffer }).stderr ?? error).trim();
  }
}

const refused = mount('-t', 'tmpfs', '-o', 'size=256k', 'tmpfs');
const reason = refused ? ` (skipped: mounting a small disk is not permitted here: ${refused})` : '';
afterAll(() => {
  if (!refused) execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

async function fails(promise: Promise<unknown>): Promise<GuardError> {
  const error: unknown = await promise.then(
    () => undefined,
    (failure) => failure,
  );
  expect(error).toBeInstanceOf(GuardError);
  return error as GuardError;
}

describe.skipIf(refused)(`on a small disk${reason}`, () => {
  test('a full disk is a storage error that names place and remedy; the half-written file is gone', async () => {
    const store = await ArtifactStore.open(join(disk, 'store'));
    const small = await store.put(Buffer.alloc(1000, 1), MediaType.Binary);
    const before = await filesIn(disk);
    const { bavail } = await statfs(disk);
    const many = Array.from({ length: 400 }, (_, i) =>
      sample(i, { image: { bytes: Buffer.alloc(2000, i), path: null } }),
    );
    const attempts = [
      () => store.put(Buffer.alloc(600_000, 2), MediaType.Binary),
      () => writeSamples(store, many),
      () => writeAtomically(join(disk, 'table.parquet'), (write) => write(Buffer.alloc(600_000))),
    ];
    for (const attempt of attempts) {
      const error = await fails(attempt());
      expect(error).toMatchObject({ code: 'STORAGE', cause: { code: 'ENOSPC' } });
      expect(error.message).toContain(disk);
      expect(error.message).toContain('the disk is full: free some space');
      expect(await filesIn(disk)).toEqual(before);
      expect((await statfs(disk)).bavail).toBe(bavail);
    }
    // What was stored is as it was, and storing goes on once there is room.
    expect((await store.get(small)).length).toBe(1000);
    expect((await store.put(Buffer.alloc(1001, 1), MediaType.Binary)).bytes).toBe(1001);
  });

  test('a step whose record finds no room is not taken from the cache later', async () => {
    const store = await ArtifactStore.open(join(disk, 'steps'));
    const spec = { step: 's', codeVersion: 'v', parameters: {}, seed: null, inputs: {} };
    const filler = join(disk, 'filler');
    const work = async () => ({ outputs: {}, result: 'done' });
    const failed = runStep(store, spec, async () => {
      const { bavail, bsize } = await statfs(disk);
      await writeFile(filler, Buffer.alloc(bavail * bsize));
      return work();
    });
    expect(await fails(failed)).toMatchObject({ code: 'STORAGE' });
    rmSync(filler);
    expect(await runStep(store, spec, work)).toMatchObject({ cached: false, result: 'done' });
    expect(await runStep(store, spec, work)).toMatchObject({ cached: true, result: 'done' });
  });

  test('a read-only disk can be read from; writing to it is a storage error that says so', async () => {
    const store = await ArtifactStore.open(join(disk, 'store'));
    const ref = await store.put(Buffer.from('abc'), MediaType.Binary);
    expect(mount('-o', 'remount,ro')).toBe('');
    try {
      expect((await store.get(ref)).length).toBe(3);
      const error = await fails(store.put(Buffer.from('abcd'), MediaType.Binary));
      expect(error).toMatchObject({ code: 'STORAGE', cause: { code: 'EROFS' } });
      expect(error.message).toContain('the file system is read-only');
      const other = await fails(ArtifactStore.open(join(disk, 'other')));
      expect(other).toMatchObject({ code: 'STORAGE', cause: { code: 'EROFS' } });
    } finally {
      mount('-o', 'remount,rw');
    }
  });
});

test('a store cannot be opened where a file is in the way', async () => {
  const path = join(testFolder(), 'file');
  await writeFile(path, '');
  const error = await fails(ArtifactStore.open(path));
  expect(error).toMatchObject({ code: 'STORAGE', cause: { code: 'ENOTDIR' } });
  expect(error.message).toContain(path);
});
