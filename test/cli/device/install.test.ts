import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Installation, installCuda } from '../../../cli/device/install.ts';
import { removeCuda } from '../../../cli/device/remove.ts';
import { type CudaSet, cudaFolder, cudaSet, installedSets, readSet } from '../../../engine/index.ts';
import { fetchFrom } from '../../../models/index.ts';
import { startIndex, type TestIndex } from '../../support/package-index.ts';
import { temporaryFolder } from '../../worker-server/folder.ts';
import { type FakePackage, fakeSet, noise } from './fake-set.ts';

const packages: FakePackage[] = [
  { project: 'fake-blas', library: 'libblas.so.1', contents: noise(400_000, 1) },
  { project: 'fake-fft', library: 'libfft.so.2', contents: noise(600_000, 2) },
];

let index: TestIndex;
let set: CudaSet;
let lines: string[];
beforeAll(async () => {
  index = await startIndex();
});
afterAll(() => index.close());
beforeEach(async () => {
  vi.stubEnv('XDG_CACHE_HOME', await temporaryFolder());
  Object.assign(index, { asked: [], fault: null, files: new Map(), hashes: new Map() });
  set = fakeSet(index, 'fake-1', packages);
  lines = [];
  return () => vi.unstubAllEnvs();
});

function install(which = set, signal?: AbortSignal): Promise<Installation> {
  return installCuda(which, {
    setting: { urls: [index.address], from: '--index' },
    fetch: fetchFrom,
    output: { log: (line) => lines.push(line), redraws: false },
    ...(signal ? { signal } : {}),
  });
}

const folderOf = (which = set) => join(cudaFolder(), which.id);
/** Quicker than comparing byte by byte. */
const holds = async (path: string, contents?: Buffer) => contents?.equals(await readFile(path));
const entries = async () => (await readdir(cudaFolder()).catch(() => [])).sort();
const fetched = () => index.asked.filter(({ path }) => path.startsWith('/files/')).map(({ path }) => path);

describe('an installation', () => {
  it('leaves libraries, licences, ONNX Runtime and a manifest in one folder, and nothing else', async () => {
    const done = await install();
    expect(done).toMatchObject({ status: 'installed', folder: folderOf() });
    expect(await entries()).toEqual(['fake-1']);
    const names = (await readdir(folderOf(), { recursive: true })).sort();
    expect(names).toEqual([
      'libblas.so.1',
      'libfft.so.2',
      'libonnxruntime.so.1',
      'licenses',
      'licenses/fake-blas',
      'licenses/fake-blas/License.txt',
      'licenses/fake-fft',
      'licenses/fake-fft/License.txt',
      'manifest.json',
    ]);
    expect(await holds(join(folderOf(), 'libfft.so.2'), packages[1]?.contents)).toBe(true);
    expect(await readFile(join(folderOf(), 'licenses/fake-blas/License.txt'), 'utf8')).toBe(
      'Terms of fake-blas',
    );
    expect(readSet('fake-1')?.manifest.packages).toMatchObject([
      { project: 'fake-blas', version: '1.0', licence: 'Fake', wheel: { sha256: set.wheels[0]?.sha256 } },
      { project: 'fake-fft' },
    ]);
    // The size is said before anything is fetched.
    expect(lines[0]).toMatch(
      /^Fetching 2 of 2 packages, 1\.0 MB, from http:\/\/127\.0\.0\.1:\d+\/simple \(--index\)/,
    );
  });

  it('does nothing where all is there, and puts back what is missing or damaged without fetching the rest', async () => {
    await install();
    index.asked = [];
    expect(await install()).toMatchObject({ status: 'present', downloaded: 0 });
    expect(index.asked).toEqual([]);
    for (const damage of [
      () => rm(join(folderOf(), 'libfft.so.2')),
      () => writeFile(join(folderOf(), 'libfft.so.2'), noise(600_000, 9)),
    ]) {
      await damage();
      index.asked = [];
      expect(await install()).toMatchObject({ status: 'installed', downloaded: set.wheels[1]?.bytes });
      expect(fetched()).toEqual(['/files/fake-fft/fake_fft-1.0-py3-none-any.whl']);
      expect(await holds(join(folderOf(), 'libfft.so.2'), packages[1]?.contents)).toBe(true);
    }
    expect(await entries()).toEqual(['fake-1']);
  });

  it('takes what an older set has of the same wheels, and stays beside it', async () => {
    await install();
    index.asked = [];
    const other = { ...packages[1]!, version: '2.0', contents: noise(500_000, 3) };
    const next = fakeSet(index, 'fake-2', [packages[0]!, other]);
    await install(next);
    expect(fetched()).toEqual(['/files/fake-fft/fake_fft-2.0-py3-none-any.whl']);
    expect(installedSets().map(({ folder }) => folder)).toEqual([folderOf(), folderOf(next)]);
    const [before, after] = await Promise.all(
      [set, next].map((one) => stat(join(folderOf(one), 'libblas.so.1'))),
    );
    expect(after?.ino).toBe(before?.ino);
    expect(await holds(join(folderOf(next), 'libfft.so.2'), other.contents)).toBe(true);
  });

  it('that was interrupted leaves nothing that is used, and goes on where it was', async () => {
    const controller = new AbortController();
    index.fault = ({ url }, answer) => {
      if (!url?.startsWith('/files/fake-fft/')) return false;
      const bytes = index.files.get('fake-fft')!.get('fake_fft-1.0-py3-none-any.whl')!;
      answer.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 300_000), () => {
        setTimeout(() => controller.abort(new Error('interrupted')), 100);
      });
      return true;
    };
    await expect(install(set, controller.signal)).rejects.toThrow('interrupted');
    expect(readSet('fake-1')).toBeNull();
    expect(installedSets()).toEqual([]);
    expect(await entries()).toEqual(['.unfinished-fake-1']);
    Object.assign(index, { asked: [], fault: null });
    const { downloaded, status } = await install();
    expect(status).toBe('installed');
    // What the first call had is not fetched again.
    expect(downloaded).toBeGreaterThan(0);
    expect(downloaded).toBeLessThan(set.wheels[1]!.bytes);
    expect(index.asked.find(({ path }) => path.startsWith('/files/'))).toMatchObject({
      path: '/files/fake-fft/fake_fft-1.0-py3-none-any.whl',
      range: expect.stringMatching(/^bytes=[1-9]\d*-$/),
    });
    expect(await entries()).toEqual(['fake-1']);
  });

  it('that was interrupted while it unpacked fetches nothing twice', async () => {
    const { bytes, file, sha256 } = set.wheels[0]!;
    const wheel = index.files.get('fake-blas')!.get(file)!;
    const unfinished = join(cudaFolder(), `.unfinished-${set.id}`);
    await mkdir(join(unfinished, 'downloads'), { recursive: true });
    await writeFile(join(unfinished, 'downloads', sha256), wheel);
    await writeFile(join(unfinished, 'libblas.so.1'), noise(1000));
    expect(await install()).toMatchObject({ downloaded: set.wheels[1]?.bytes });
    expect(fetched()).toEqual(['/files/fake-fft/fake_fft-1.0-py3-none-any.whl']);
    expect(wheel.length).toBe(bytes);
    expect(await holds(join(folderOf(), 'libblas.so.1'), packages[0]?.contents)).toBe(true);
  });

  it('puts ONNX Runtime back without the index', async () => {
    await install();
    await rm(join(folderOf(), 'libonnxruntime.so.1'));
    Object.assign(index, { asked: [], files: new Map() });
    expect(await install()).toMatchObject({ status: 'installed', downloaded: 0 });
    expect(index.asked).toEqual([]);
    expect(await stat(join(folderOf(), 'libonnxruntime.so.1'))).toMatchObject({ size: set.runtime.bytes });
  });

  it('is refused before anything is fetched where the index lacks a wheel, or has another under its name', async () => {
    const { file } = set.wheels[1]!;
    index.hashes.set(file, 'a'.repeat(64));
    await expect(install()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(`offers ${file} with SHA-256 a{64}, expected ${set.wheels[1]?.sha256}`),
    });
    index.files.delete('fake-fft');
    await expect(install()).rejects.toThrow(/no package index has fake_fft-1\.0.*does not have fake-fft/);
    expect(fetched()).toEqual([]);
    expect(installedSets()).toEqual([]);
  });

  it('uses no wheel with other bytes, and says so', async () => {
    const { file } = set.wheels[0]!;
    index.hashes.set(file, null);
    const wheels = index.files.get('fake-blas')!;
    const other = Buffer.from(wheels.get(file)!);
    other[100]! ^= 1;
    wheels.set(file, other);
    await expect(install()).rejects.toThrow(
      /fake_blas-1\.0.* has SHA-256 .*, expected .*; it was thrown away/,
    );
    expect(installedSets()).toEqual([]);
  });

  it('names a wheel that lacks a library, or holds it in another size', async () => {
    const [first, second] = set.wheels as [CudaSet['wheels'][0], CudaSet['wheels'][0]];
    const lacking = { ...first, libraries: [{ path: 'nvidia/lib/libnone.so', bytes: 1 }] };
    await expect(install({ ...set, wheels: [lacking, second] })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(
        /fake_blas-1\.0.* cannot be unpacked: .*no entry nvidia\/lib\/libnone\.so/,
      ),
    });
    const longer = { ...first, libraries: first.libraries.map((one) => ({ ...one, bytes: one.bytes + 1 })) };
    await expect(install({ ...set, wheels: [longer, second] })).rejects.toThrow(
      /has 400000 bytes, expected 400001/,
    );
    expect(installedSets()).toEqual([]);
  });

  it('is refused for an onnxruntime-node of another version, and for a runtime with other bytes', async () => {
    await expect(install({ ...set, onnxruntime: '0.9.0' })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(
        /onnxruntime-node here is \d.*those of 0\.9\.0: npm install onnxruntime-node@0\.9\.0/,
      ),
    });
    const runtime = { ...set.runtime, sha256: 'b'.repeat(64) };
    await expect(install({ ...set, runtime })).rejects.toThrow(
      /libonnxruntime\.so\.1 has SHA-256 .*expected b{64}/,
    );
    expect(installedSets()).toEqual([]);
  });

  it.each([
    ['darwin', 'arm64'],
    ['linux', 'arm64'],
    ['win32', 'x64'],
  ])('is refused on %s %s, in a sentence', async (platform, arch) => {
    const before = { platform: process.platform, arch: process.arch };
    for (const [name, value] of Object.entries({ platform, arch }))
      Object.defineProperty(process, name, { value });
    try {
      const failure = await install().catch((error: Error) => error);
      expect(failure).toMatchObject({
        code: 'UNAVAILABLE',
        message: `CUDA libraries are installed on Linux x64 alone, and this is ${platform} on ${arch}: --device webgpu computes on GPUs of every kind`,
      });
    } finally {
      for (const [name, value] of Object.entries(before)) Object.defineProperty(process, name, { value });
    }
  });

  it('waits for nobody: a second one at the same time is refused, and one that was killed is no hindrance', async () => {
    await mkdir(cudaFolder(), { recursive: true });
    await writeFile(join(cudaFolder(), '.lock'), `${process.pid}\n`);
    await expect(install()).rejects.toThrow(`process ${process.pid} installs or removes CUDA libraries`);
    await expect(removeCuda()).resolves.toMatchObject({ removed: [] });
    const gone = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' });
    await writeFile(join(cudaFolder(), '.lock'), gone);
    expect(await install()).toMatchObject({ status: 'installed' });
  });
});

describe('the removal', () => {
  it('takes every set and what was left unfinished, and says how much', async () => {
    expect(await removeCuda()).toEqual({ folder: cudaFolder(), removed: [], freed: 0 });
    const { installed } = await install();
    await mkdir(join(cudaFolder(), '.unfinished-x/downloads'), { recursive: true });
    await writeFile(join(cudaFolder(), '.unfinished-x/downloads/a.part'), noise(1000));
    const { freed, removed } = await removeCuda();
    expect(removed.sort()).toEqual(['.unfinished-x', 'fake-1']);
    expect(freed).toBeGreaterThanOrEqual(installed + 1000);
    expect(await entries()).toEqual([]);
  });

  it('of older sets leaves the one that is used', async () => {
    await install();
    await install({ ...set, id: cudaSet.id });
    const { freed, removed } = await removeCuda({ older: true });
    expect(removed).toEqual(['fake-1']);
    // All but manifest and runtime is shared.
    expect(freed).toBeLessThan(set.runtime.bytes + 100_000);
    expect(await entries()).toEqual([cudaSet.id]);
    expect(await holds(join(cudaFolder(), cudaSet.id, 'libblas.so.1'), packages[0]?.contents)).toBe(true);
  });
});

describe('a disk', () => {
  const small = mkdtempSync(join(tmpdir(), 'modality-guard-disk-'));
  const refused = mount('size=70m');
  afterAll(async () => {
    if (!refused) execFileSync('umount', [small]);
    await rm(small, { recursive: true, force: true });
  });

  function mount(options: string): string {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', small], { stdio: 'pipe' });
      return '';
    } catch (error) {
      return String((error as { stderr?: Buffer }).stderr ?? error).trim();
    }
  }

  const why = refused ? ` (skipped: mounting a small disk is not permitted here: ${refused})` : '';
  it.skipIf(refused)(`without room is named before anything is fetched${why}`, async () => {
    vi.stubEnv('XDG_CACHE_HOME', small);
    await expect(install()).rejects.toMatchObject({
      code: 'STORAGE',
      message: expect.stringMatching(
        /^\S*modality-guard-disk-\S* has \d+ MB free, .*need \d+ MB.*XDG_CACHE_HOME/,
      ),
    });
    expect(fetched()).toEqual([]);
  });

  it.skipIf(refused)(`that gets full on the way is named, and nothing is used${why}`, async () => {
    execFileSync('mount', ['-o', 'remount,size=120m', small]);
    vi.stubEnv('XDG_CACHE_HOME', small);
    const filler = join(small, 'filler');
    index.fault = ({ url }) => {
      // All but 300 KB, behind the back of the installation.
      if (url?.startsWith('/files/')) writeFileSync(filler, Buffer.alloc(120 * 2 ** 20 - 300_000));
      return false;
    };
    await expect(install()).rejects.toMatchObject({
      code: 'STORAGE',
      message: expect.stringMatching(/cannot be written: the disk is full: free some space/),
    });
    expect(installedSets()).toEqual([]);
    await rm(filler);
    index.fault = null;
    expect(await install()).toMatchObject({ status: 'installed' });
  });
});
