import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { installCuda } from '../../cli/device/install.ts';
import { openLibrary } from '../../engine/devices/cuda/open-library.ts';
import { cudaFolder, cudaPlatform, cudaSet, inspectCuda } from '../../engine/index.ts';
import { fetchFrom } from '../../models/index.ts';
import { packageFolder } from '../../worker/config.ts';
import { type FakePackage, fakeSet, noise } from '../cli/device/fake-set.ts';
import { startIndex, type TestIndex } from '../support/package-index.ts';
import { temporaryFolder } from '../worker-server/folder.ts';

const run = promisify(execFile);
const here = cudaPlatform();
const why = here ? '' : ' (skipped: CUDA is for Linux x64 alone)';
const engine = pathToFileURL(join(packageFolder(), 'dist/engine/index.js')).href;

let index: TestIndex;
beforeAll(async () => {
  index = await startIndex();
});
afterAll(() => index.close());
beforeEach(async () => {
  vi.stubEnv('XDG_CACHE_HOME', await temporaryFolder());
  return () => vi.unstubAllEnvs();
});

/** A set where the engine looks for it, of other contents. Returns its folder. */
async function place(packages: FakePackage[]): Promise<string> {
  const set = { ...fakeSet(index, cudaSet.id, packages), id: cudaSet.id };
  const setting = { urls: [index.address], from: '--index' };
  const { folder } = await installCuda(set, {
    setting,
    fetch: fetchFrom,
    output: { log: () => {}, redraws: false },
  });
  return folder;
}

const provider = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'].map(
  (library, seed): FakePackage => ({ project: `fake-${seed}`, library, contents: noise(1000, seed) }),
);

describe.skipIf(!here)(`ONNX Runtime in the cache${why}`, () => {
  /** Prints the runtime libraries that the process has, what 1 + 1 is, and what a session on CUDA says. */
  const script = `
    import { readFileSync } from 'node:fs';
    const { GraphBuilder, openSession, toOrt, float32 } = await import(process.env.ENGINE);
    const b = new GraphBuilder('g', { opset: 17 });
    b.output('y', b.op('Add', [b.input('x', 'float32', [1]), b.constant(1)]));
    const session = await openSession(b.graph);
    const { y } = await session.run({ x: toOrt(float32([1], [1])) });
    const onCuda = await openSession(b.graph, { device: 'cuda' }).then(() => 'opened', ({ message }) => message);
    const maps = readFileSync('/proc/self/maps', 'utf8').split('\\n').map((line) => line.split(/ +/)[5] ?? '');
    const libraries = [...new Set(maps.filter((path) => path.includes('libonnxruntime.so')))];
    console.log(JSON.stringify({ libraries, sum: y.data[0], onCuda }));
  `;

  async function inProcess(thread: boolean) {
    const inThread = `import { Worker } from 'node:worker_threads';
      new Worker(new URL('data:text/javascript,' + encodeURIComponent(process.env.SCRIPT)));`;
    const { stdout, stderr } = await run(
      process.execPath,
      ['--input-type=module', '-e', thread ? inThread : script],
      { env: { ...process.env, ENGINE: engine, SCRIPT: script } },
    );
    return { ...(JSON.parse(stdout) as { libraries: string[]; sum: number; onCuda: string }), stderr };
  }

  it.each([
    ['process', false],
    ['thread', true],
  ])('is the one that a %s computes with, and where it looks for the provider', async (_, thread) => {
    const folder = await place([
      ...provider,
      ...cudaSet.opened.map((library, at) => ({ project: `lib-${at}`, library, contents: noise(99, at) })),
    ]);
    const found = await inProcess(thread);
    expect(found).toMatchObject({ libraries: [join(folder, 'libonnxruntime.so.1')], sum: 2 });
    // What is no library is named before ONNX Runtime is asked.
    expect(found.onCuda).toMatch(/libcudart\.so\.13: .*: modality-guard doctor says what is missing/);
  });

  it('is left alone where nothing is installed, or something for another version', async () => {
    const none = await inProcess(false);
    expect(none).toMatchObject({ libraries: [expect.stringContaining('node_modules')], sum: 2 });
    expect(none.onCuda).toContain('ONNX Runtime refuses it');
    const folder = await place(provider);
    const manifest = join(folder, 'manifest.json');
    await writeFile(
      manifest,
      (await readFile(manifest, 'utf8')).replace(/"onnxruntime": "[^"]*"/, '"onnxruntime": "1.2.3"'),
    );
    expect(await inProcess(false)).toMatchObject({ libraries: none.libraries, sum: 2 });
    const parts = await inspectCuda();
    expect(parts.find(({ name }) => name === 'CUDA provider')).toEqual({
      name: 'CUDA provider',
      ok: false,
      detail: expect.stringMatching(
        /libonnxruntime_providers_cuda\.so in \S+ is of ONNX Runtime 1\.2\.3, and onnxruntime-node here is \S+: npm install onnxruntime-node@1\.2\.3$/,
      ),
    });
  });
});

describe.skipIf(!here)(`what is missing${why}`, () => {
  it('is told by the loader', () => {
    expect(openLibrary('libz.so.1')).toBeNull();
    expect(openLibrary('libnobody-has-this.so.7')).toMatch(
      /^libnobody-has-this\.so\.7: cannot open shared object file/,
    );
  });

  it('has a sentence for driver, provider and libraries where nothing is there', async () => {
    const parts = new Map((await inspectCuda()).map(({ detail, name }) => [name, detail]));
    // This machine may have a driver.
    expect(parts.get('CUDA driver')).toMatch(
      /^libcuda\.so\.1 is (there|missing: install NVIDIA's driver, version 580 or later)/,
    );
    // It may have some of CUDA, too.
    const absent = cudaSet.opened.filter((library) => openLibrary(library) !== null);
    const advice = 'is missing: modality-guard device install cuda';
    expect(parts.get('CUDA provider')).toMatch(
      /^beside|^libonnxruntime_providers_cuda\.so is missing: modality-guard/,
    );
    if (absent.length === cudaSet.opened.length) {
      expect(parts.get('CUDA libraries')).toBe(
        `none of ${absent.join(', ')} is there: modality-guard device install cuda`,
      );
    } else
      expect(parts.get('CUDA library')).toBe(absent.length > 0 ? `${absent.at(-1)} ${advice}` : undefined);
  });

  it('has one for each library and each part of the provider, and none for what loads', async () => {
    const real = '/lib/x86_64-linux-gnu/libz.so.1';
    const contents = existsSync(real) ? await readFile(real) : noise(500);
    const library = 'libcudart.so.13';
    const folder = await place([
      ...provider,
      { project: 'fake-rt', library, contents },
      { project: 'fake-fft', library: 'libcufft.so.12', contents: noise(500, 7) },
      { project: 'fake-rand', library: 'libcurand.so.10', contents: noise(500, 8) },
    ]);
    await writeFile(join(folder, 'libcurand.so.10'), 'short');
    await rm(join(folder, 'libonnxruntime_providers_cuda.so'));
    const details = (await inspectCuda()).filter(({ name, ok }) => name !== 'CUDA driver' && !ok);
    const again = 'modality-guard device install cuda';
    expect(details.map(({ detail }) => detail.replace(/\(.*\)/, '(...)'))).toEqual([
      `libonnxruntime_providers_cuda.so is missing in ${folder}: ${again}`,
      ...(existsSync(real) ? [] : [expect.stringContaining(library)]),
      `libcublasLt.so.13 is missing: ${again}`,
      `libcublas.so.13 is missing: ${again}`,
      `libcurand.so.10 is damaged (...) in ${folder}: ${again}`,
      `libcufft.so.12 does not load (...): ${again}`,
      `libnvrtc-builtins.so.13.0 is missing: ${again}`,
      `libnvrtc.so.13 is missing: ${again}`,
      `libcudnn.so.9 is missing: ${again}`,
    ]);
    expect(cudaFolder()).toBe(join(folder, '..'));
  });
});

it('on another machine is said in a sentence', async () => {
  const { platform } = process;
  Object.defineProperty(process, 'platform', { value: 'darwin' });
  try {
    const detail = `CUDA is for Linux on x64 alone, and this is darwin on ${process.arch}`;
    expect(await inspectCuda()).toEqual([{ name: 'CUDA libraries', ok: false, detail }]);
  } finally {
    Object.defineProperty(process, 'platform', { value: platform });
  }
});
