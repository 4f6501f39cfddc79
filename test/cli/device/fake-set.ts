import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { CudaSet, PinnedWheel } from '../../../engine/index.ts';
import { nodePackage } from '../../../engine/index.ts';
import { sha256Of, type TestIndex } from '../../support/package-index.ts';
import { zipOf } from '../../support/zip-file.ts';

/** A project with one library and its licence. */
export interface FakePackage {
  project: string;
  version?: string;
  library: string;
  contents: Buffer;
}

/** Bytes that do not compress, so that a wheel comes in many pieces. */
export function noise(length: number, seed = 1): Buffer {
  return createHash('shake256', { outputLength: length }).update(`noise ${seed}`).digest();
}

/** Puts wheels of these packages into the index, and pins them. The runtime is that of the onnxruntime-node here. */
export function fakeSet(index: TestIndex, id: string, packages: readonly FakePackage[]): CudaSet {
  const wheels = packages.map((one): PinnedWheel => {
    const { contents, library, project, version = '1.0' } = one;
    const path = `nvidia/lib/${library}`;
    const text = `${project}.dist-info/licenses/License.txt`;
    const wheel = zipOf({
      [path]: contents,
      'nvidia/lib/other.so': noise(100),
      [text]: Buffer.from(`Terms of ${project}`),
    });
    const file = `${project.replaceAll('-', '_')}-${version}-py3-none-any.whl`;
    index.files.set(project, new Map([[file, wheel]]));
    return {
      ...{ project, version, file, bytes: wheel.length, sha256: sha256Of(wheel), licence: 'Fake' },
      libraries: [{ path, bytes: contents.length }],
      texts: [text],
    };
  });
  const { libraries, version } = nodePackage();
  const runtime = readFileSync(join(libraries, 'libonnxruntime.so.1'));
  return {
    id,
    onnxruntime: version,
    runtime: { file: 'libonnxruntime.so.1', bytes: runtime.length, sha256: sha256Of(runtime) },
    wheels,
    opened: packages.map(({ library }) => basename(library)),
  };
}
