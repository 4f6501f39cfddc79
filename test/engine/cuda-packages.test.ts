import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { indexSettings, listEntries, shownIndex } from '../../cache/index.ts';
import type { Bytes } from '../../cache/zip.ts';
import { installCuda } from '../../cli/device/install.ts';
import { filesOf, locate } from '../../cli/device/plan.ts';
import { openLibrary } from '../../engine/devices/cuda/open-library.ts';
import { cudaPlatform, cudaSet, type PinnedWheel, providerFiles, readSet } from '../../engine/index.ts';
import { fetchFrom } from '../../models/index.ts';
import { packageFolder } from '../../worker/config.ts';
import { temporaryFolder } from '../worker-server/folder.ts';

const run = promisify(execFile);
const setting = indexSettings(undefined);

/** Why the index of this machine cannot be asked; empty: it can. */
async function unreachable(): Promise<string> {
  try {
    await locate(cudaSet.wheels[1] as PinnedWheel, setting, fetchFrom, AbortSignal.timeout(8000));
    return '';
  } catch (error) {
    const { message } = error as Error;
    if (/no package index has|offers/.test(message)) return '';
    return /timeout/.test(message) ? `${shownIndex(setting)} did not answer within 8 s` : message;
  }
}

const offline = await unreachable();
describe.skipIf(offline)(`the pinned wheels${offline && ` (skipped: ${offline})`}`, () => {
  it.each(cudaSet.wheels.map((wheel) => [wheel.project, wheel] as const))(
    '%s: the index has it under its hash, with the libraries and licences that are taken out',
    { timeout: 60_000 },
    async (_, wheel) => {
      const { sha256, url } = await locate(wheel, setting, fetchFrom);
      expect(sha256).toBe(wheel.sha256);
      const remote: Bytes = {
        size: wheel.bytes,
        async read(position, length) {
          const range = `bytes=${position}-${position + length - 1}`;
          const response = await fetchFrom(url, { headers: { range }, signal: AbortSignal.timeout(20_000) });
          if (response.status === 206) return Buffer.from(await response.arrayBuffer());
          await response.body?.cancel();
          throw new Error(`no ranges: ${response.status}`);
        },
      };
      const entries = await listEntries(remote).catch((error: Error) => {
        // A mirror that gives whole files alone is not asked for gigabytes.
        if (error.message === 'no ranges: 200') return null;
        throw error;
      });
      if (!entries) return;
      const sizes = new Map(entries.map(({ bytes, name }) => [name, bytes]));
      for (const { bytes, path } of filesOf(wheel)) {
        expect([...sizes.keys()]).toContain(path);
        if (bytes !== null) expect(sizes.get(path), path).toBe(bytes);
      }
    },
  );
});

const wanted = Boolean(process.env.MODALITY_GUARD_TEST_CUDA);
const missing = !cudaPlatform()
  ? 'CUDA is for Linux x64 alone'
  : readSet(cudaSet.id)
    ? ''
    : wanted
      ? offline
      : 'no CUDA libraries in the cache; MODALITY_GUARD_TEST_CUDA=1 fetches them, 1.4 GB';

describe.skipIf(missing)(
  `the libraries themselves${missing && ` (skipped: ${missing})`}`,
  { timeout: 600_000 },
  () => {
    const driver = cudaPlatform() && openLibrary('libcuda.so.1') === null;

    let place: string;
    beforeAll(async () => {
      const output = { log: (line: string) => process.stderr.write(`${line}\n`), redraws: false };
      place = (await installCuda(cudaSet, { setting, fetch: fetchFrom, output })).folder;
    }, 600_000);

    /** Opens a session on CUDA as the engine does. */
    async function session(env: Record<string, string> = {}): Promise<string> {
      const script = `
      const { InferenceSession, loadCuda } = await import(process.env.ENGINE);
      loadCuda();
      // By their names alone, as the provider and cuDNN ask for them.
      for (const name of JSON.parse(process.env.NAMES)) {
        try { process.dlopen({ exports: {} }, name) } catch ({ message }) {
          if (!message.startsWith('Module did not self-register')) console.log(message);
        }
      }
      const doubling = 'CAgSADo1Cg4KAXgKAXgSAXkiA0FkZBIBZ1oPCgF4EgoKCAgBEgQKAggCYg8KAXkSCgoICAESBAoCCAJCBAoAEBE=';
      await InferenceSession.create(Buffer.from(doubling, 'base64'), { executionProviders: ['cuda'] }).then(
        () => console.log('opened'),
        ({ message }) => console.log(message),
      );`;
      const { LD_LIBRARY_PATH: _, ...own } = process.env;
      const all = {
        ...own,
        ENGINE: join(packageFolder(), 'dist/engine/index.js'),
        NAMES: JSON.stringify(cudaSet.opened),
        ...env,
      };
      const { stderr, stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
        env: all,
      });
      return `${stdout}${stderr}`;
    }

    it('need nothing that is not there but the driver', async () => {
      const names = cudaSet.wheels.flatMap(({ libraries }) => libraries.map(({ path }) => basename(path)));
      const env = { ...process.env, LD_LIBRARY_PATH: place };
      const lacks = await Promise.all(
        [...names, cudaSet.runtime.file].map(async (name) => {
          const { stdout } = await run('ldd', [join(place, name)], { env });
          return stdout.match(/\S+(?= => not found)/g)?.map((absent) => `${name} needs ${absent}`) ?? [];
        }),
      );
      expect(lacks.flat()).toEqual(driver ? [] : [`${providerFiles[1]} needs libcuda.so.1`]);
    });

    it.skipIf(driver)(
      'are found without LD_LIBRARY_PATH: the driver alone is what a session lacks',
      async () => {
        const said = await session();
        expect(said).toContain(
          `Failed to load library ${join(place, providerFiles[1])} with error: libcuda.so.1: cannot open shared object file`,
        );
        expect(said.match(/cannot open shared object file/g)).toHaveLength(1);
      },
    );

    it.skipIf(driver)(
      'compute with the onnxruntime-node here as far as a driver without a GPU lets them',
      async (context) => {
        const fake = await temporaryFolder();
        await writeFile(join(fake, 'driver.c'), driverWithoutDevices);
        const library = join(fake, 'libcuda.so.1');
        try {
          await run('cc', [
            '-shared',
            '-fPIC',
            '-Wl,-soname,libcuda.so.1',
            '-o',
            library,
            join(fake, 'driver.c'),
            '-ldl',
          ]);
        } catch {
          context.skip('there is no C compiler here');
        }
        expect(await session({ LD_LIBRARY_PATH: fake })).toMatch(
          /CUDA failure 100: no CUDA-capable device is detected/,
        );
      },
    );
  },
);

/** What the runtime asks of a driver before it looks at a GPU. */
const driverWithoutDevices = `
extern void *dlsym(void *, const char *);
int cuInit(unsigned flags) { return 100; }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGetCount(int *count) { return 100; }
int cuTensorMapEncodeTiled(void) { return 100; }
int cuGetErrorString(int error, const char **text) { *text = "no device"; return 0; }
int cuGetErrorName(int error, const char **text) { *text = "NO_DEVICE"; return 0; }
int cuGetProcAddress_v2(const char *name, void **entry, int version, unsigned long flags, int *status) {
  *entry = dlsym(0, name);
  if (status) *status = *entry ? 0 : 1;
  return *entry ? 0 : 500;
}
int cuGetProcAddress(const char *name, void **entry, int version, unsigned long flags) {
  return cuGetProcAddress_v2(name, entry, version, flags, 0);
}
`;
