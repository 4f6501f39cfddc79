import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSamples } from '../../store/index.ts';
import { modalityGuard } from '../cli/command.ts';
import { emptyFolder } from './layouts.ts';

const program = fileURLToPath(new URL('../../cli/modality-guard.mjs', import.meta.url));
const header = 'id,question,A,B,answer,decides\n';
const rows = (count: number) =>
  header + Array.from({ length: count }, (_, i) => `${i},What is ${i}?,x,y,A,text\n`).join('');

let data: string;
let [large, small, refused] = ['', '', ''];
beforeAll(async () => {
  data = await emptyFolder();
  [large, small, refused] = ['large', 'small', 'refused'].map((name) => join(data, `${name}.csv`)) as [
    string,
    string,
    string,
  ];
  await writeFile(large, rows(40_000));
  await writeFile(small, rows(3));
  await writeFile(refused, `${header}1,What?,x,y,Z,text\n`);
});

/** Begins to ingest the large file; resolves when it writes. */
async function begun(out: string) {
  const child = spawn(process.execPath, [program, 'ingest', large, '--out', out], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (piece) => {
    stderr += piece;
  });
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, stderr })),
  );
  while (child.exitCode === null && !existsSync(join(out, '.writing')))
    await new Promise((resolve) => setTimeout(resolve, 5));
  return { child, ended };
}
const written = ['rejects.csv', 'rejects.parquet', 'samples.parquet'];

describe('an ingest leaves nothing half-written', () => {
  it.each([
    ['is refused', () => ['ingest', refused]],
    ['stops at the first bad row', () => ['ingest', refused, '--on-error', 'stop']],
    ['is given pictures that are nowhere', () => ['ingest', small, '--images', '/nowhere']],
    ['is given a file for pictures', () => ['ingest', small, '--images', small]],
  ])('where it %s', async (_, args) => {
    const parent = await emptyFolder();
    const { code, stderr } = await modalityGuard([...args(), '--out', join(parent, 'new/out')]);
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/^modality-guard: /) });
    expect(await readdir(parent)).toEqual([]);
  });

  it('says that a folder of pictures was not needed', async () => {
    const parent = await emptyFolder();
    const { code, stderr } = await modalityGuard([
      'ingest',
      small,
      '--images',
      parent,
      '--out',
      join(parent, 'out'),
    ]);
    expect(stderr).toMatch(/--images .*: no row names a picture/);
    expect(code).toBe(0);
  });

  it('when it is interrupted', async () => {
    const parent = await emptyFolder();
    const { child, ended } = await begun(join(parent, 'out'));
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('nothing was written') });
    expect(await readdir(parent)).toEqual([]);
  });

  it('when it is interrupted twice', async () => {
    const parent = await emptyFolder();
    const { child, ended } = await begun(join(parent, 'out'));
    child.kill('SIGINT');
    child.kill('SIGTERM');
    expect((await ended).code).toBe(1);
    expect(await readdir(parent)).toEqual([]);
  });

  it('when it is killed; the next one clears away what is left', async () => {
    const out = join(await emptyFolder(), 'out');
    const { child, ended } = await begun(out);
    child.kill('SIGKILL');
    expect((await ended).code).toBeNull();
    expect(await readdir(out)).toEqual(['.writing']);
    expect((await modalityGuard(['ingest', small, '--out', out])).code).toBe(0);
    expect((await readdir(out)).sort()).toEqual(written);
    expect(await readSamples(join(out, 'samples.parquet'))).toHaveLength(3);
  });

  it('when another one begins: that one is refused', async () => {
    const out = join(await emptyFolder(), 'out');
    const { ended } = await begun(out);
    const second = await modalityGuard(['ingest', small, '--out', out]);
    expect(second.stderr).toMatch(
      /out: process \d+ is writing there; wait for its end, or name another folder/,
    );
    expect(second.code).toBe(1);
    expect((await ended).code).toBe(0);
    expect((await readdir(out)).sort()).toEqual(written);
    expect(await readSamples(join(out, 'samples.parquet'))).toHaveLength(40_000);
  });

  it('when a file may not be so large', async () => {
    const parent = await emptyFolder();
    const command = `ulimit -f 100; exec "${process.execPath}" "${program}" ingest "${large}" --out "${parent}/out"`;
    const child = spawn('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (piece) => {
      stderr += piece;
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(stderr).toMatch(/cannot write .*ulimit -f.*\(EFBIG\)/);
    expect(code).toBe(1);
    expect(await readdir(parent)).toEqual([]);
  });
});

const disk = mkdtempSync(join(tmpdir(), 'guard-small-'));
let why = '';
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', disk], { stdio: 'pipe' });
} catch (error) {
  why = ` (skipped: mounting a small disk is not permitted here: ${(error as Error).message.split('\n')[0]})`;
}
afterAll(() => {
  if (!why) execFileSync('umount', [disk]);
  rmSync(disk, { recursive: true });
});

it.skipIf(why !== '')(`nor on a full disk, where the next one works${why}`, async () => {
  const out = join(disk, 'out');
  const full = await modalityGuard(['ingest', large, '--out', out]);
  expect(full.stderr).toMatch(/the disk is full: free some space there/);
  expect(full.code).toBe(1);
  expect(await readdir(disk)).toEqual([]);
  expect((await modalityGuard(['ingest', small, '--out', out])).code).toBe(0);
  expect((await readdir(out)).sort()).toEqual(written);
});
