import { mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, readEntries } from '../../cache/index.ts';
import { downloadWheel, findPip, pipProblem } from '../../worker/server/index.ts';
import type { NodeCase } from './cases.ts';

/** The last release of `onnx` whose wheel holds the node tests' data. */
export const onnxVersion = '1.22.0';
/** One platform's wheel serves everywhere: only the data in it are read. */
const platform = ['--platform', 'manylinux_2_28_x86_64', '--python-version', '3.11', '--abi', 'cp311'];
const digest = '1d0a2bdb15eb2b3cb65c438f3423d9620d14fdce32f92380e6bb1b2e09568ef5';

const data = /^onnx\/backend\/test\/data\/node\/([^/]+)\/(?:model\.onnx|test_data_set_0\/(\w+\.pb))$/;

/** The wheel in the cache, downloaded by pip at first and checked against its SHA-256. */
export async function findWheel(): Promise<string> {
  const kept = join(cacheFolder(), `onnx-${onnxVersion}.whl`);
  if (await stat(kept).catch(() => null)) return kept;
  const pip = await findPip();
  if (!pip)
    throw new Error(`the node tests come in the PyPI wheel onnx==${onnxVersion}, and pip is not installed`);
  await mkdir(cacheFolder(), { recursive: true });
  const folder = await mkdtemp(join(cacheFolder(), 'wheel-'));
  try {
    await rename(await downloadWheel(pip, `onnx==${onnxVersion}`, digest, folder, platform), kept);
    return kept;
  } catch (error) {
    throw new Error(`onnx==${onnxVersion} could not be downloaded: ${pipProblem(error)}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Every node test of the wheel, by name. */
export async function readWheel(path: string): Promise<NodeCase[]> {
  const cases = new Map<string, NodeCase>();
  for (const [entry, bytes] of await readEntries(path, data)) {
    const [, name, tensor] = data.exec(entry) as unknown as [string, string, string | undefined];
    const found = cases.get(name) ?? { name, model: new Uint8Array(), tensors: new Map() };
    if (tensor) found.tensors.set(tensor, bytes);
    else found.model = bytes;
    cases.set(name, found);
  }
  return [...cases.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The licence texts of the wheel by file name. */
export async function readLicences(path: string): Promise<Map<string, Buffer>> {
  const texts = await readEntries(path, /\.dist-info\/licenses\/(LICENSE|NOTICE)$/);
  return new Map([...texts].map(([name, bytes]) => [name.slice(name.lastIndexOf('/') + 1), bytes]));
}
