import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheFolder, changeableByOthers } from '../../../cache/index.ts';
import { CudaManifest } from '../../../schemas/cuda.ts';
import { cudaSet } from './pins.ts';

/** NVIDIA's libraries and ONNX Runtime's provider are fetched for this machine alone. */
export function cudaPlatform(): boolean {
  return process.platform === 'linux' && process.arch === 'x64';
}

/** The folder of all sets in the user's cache. */
export function cudaFolder(): string {
  return join(cacheFolder(), 'cuda');
}

export interface InstalledSet {
  folder: string;
  manifest: CudaManifest;
  bytes: number;
}

/** A set whose manifest is there, and so everything beside it; null: there is none, or it cannot be read. */
export function readSet(id: string): InstalledSet | null {
  const folder = join(cudaFolder(), id);
  try {
    const manifest = CudaManifest.parse(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')));
    const files = [manifest.runtime, ...manifest.packages.flatMap((one) => one.files)];
    return { folder, manifest, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
  } catch {
    return null;
  }
}

/** Every set in the cache, of other versions too. */
export function installedSets(): InstalledSet[] {
  const names = existsSync(cudaFolder()) ? readdirSync(cudaFolder()).sort() : [];
  return names.filter((name) => !name.startsWith('.')).flatMap((name) => readSet(name) ?? []);
}

/** Version and folder of the onnxruntime-node that is loaded here. */
export function nodePackage(): { version: string; libraries: string } {
  const root = dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')));
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  return { version, libraries: join(root, 'bin/napi-v6', process.platform, process.arch) };
}

/** The set that fits the onnxruntime-node here, where it is installed and nobody else can change it. */
export function usableSet(): InstalledSet | null {
  if (!cudaPlatform()) return null;
  const set = readSet(cudaSet.id);
  if (!set || nodePackage().version !== set.manifest.onnxruntime) return null;
  return changeableByOthers(set.folder) === null ? set : null;
}

/** Why a file of a set is not what was installed; null: it is there, with its size. */
export function fileProblem(path: string, bytes: number): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) return 'is missing';
  return found.size === bytes ? null : `is damaged (${found.size} bytes, expected ${bytes})`;
}
