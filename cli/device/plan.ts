import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Fetch, findFile, type IndexFile, type IndexSetting } from '../../cache/index.ts';
import { type CudaSet, cudaFolder, cudaPlatform, nodePackage, type PinnedWheel } from '../../engine/index.ts';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { megabytes } from './meter.ts';

/** What remains free when everything lies there. */
const spare = 64e6;

/** Throws GuardError UNAVAILABLE where these libraries cannot serve the onnxruntime-node of this machine. */
export function checkMachine({ onnxruntime }: CudaSet): void {
  if (!cudaPlatform()) {
    const here = `${process.platform} on ${process.arch}`;
    throw new GuardError(
      ErrorCode.Unavailable,
      `CUDA libraries are installed on Linux x64 alone, and this is ${here}: --device webgpu computes on GPUs of every kind`,
    );
  }
  const { version } = nodePackage();
  if (version === onnxruntime) return;
  throw new GuardError(
    ErrorCode.Unavailable,
    `onnxruntime-node here is ${version}, and the CUDA libraries are those of ${onnxruntime}: npm install onnxruntime-node@${onnxruntime}`,
  );
}

/** Throws GuardError STORAGE where the folder has less room than `needed` bytes and a little. */
export async function checkRoom(needed: number): Promise<void> {
  let place = cudaFolder();
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  if (free >= needed + spare) return;
  throw new GuardError(
    ErrorCode.Storage,
    `${place} has ${megabytes(free)} free, and CUDA's libraries need ${megabytes(needed + spare)} while they are installed: ` +
      'free some space, or name another cache folder in XDG_CACHE_HOME',
  );
}

/**
 * Where the index has the wheel. Throws GuardError UNAVAILABLE where it has none, or says that another file has its name.
 */
export async function locate(
  { project, file, sha256 }: PinnedWheel,
  setting: IndexSetting,
  fetch: Fetch,
  signal?: AbortSignal,
): Promise<IndexFile> {
  const found = await findFile(setting, project, file, fetch, signal);
  if (found.sha256 === null || found.sha256 === sha256) return found;
  const what = `offers ${file} with SHA-256 ${found.sha256}, expected ${sha256}: it is another file under this name`;
  throw new GuardError(ErrorCode.Unavailable, `the index of ${setting.from} ${what}`);
}

/** Names of a wheel's files in the folder of its set: libraries beside each other, texts by project. */
export function filesOf({ libraries, project, texts }: PinnedWheel) {
  return [
    ...libraries.map(({ bytes, path }) => ({ name: basename(path), path, bytes })),
    ...texts.map((path) => ({ name: join('licenses', project, basename(path)), path, bytes: null })),
  ];
}
