import { randomUUID } from 'node:crypto';
import { chmod, copyFile, link, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, extname, join, normalize } from 'node:path';
import { type ArtifactRef, MediaType, ModelManifest } from '../schemas/artifact.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import type { ArtifactStore } from './artifacts.ts';
import { makeFolder } from './atomic.ts';
import { hashFile } from './hash-file.ts';
import { asStorageError, errno } from './storage-errors.ts';

const mediaTypes: Record<string, string> = { '.onnx': MediaType.Onnx, '.json': MediaType.Json };

/**
 * Relative paths with `/`, sorted, hidden files and folders left out. Links are followed, but those that lead nowhere, or to a
 * folder above themselves, are left out.
 */
export async function filesBelow(
  folder: string,
  prefix = '',
  above: readonly string[] = [],
): Promise<string[]> {
  const found: string[] = [];
  const here = join(folder, prefix);
  const inside = [...above, await realpath(here)];
  for (const name of (await readdir(here)).sort()) {
    if (name.startsWith('.')) continue;
    const path = prefix === '' ? name : `${prefix}/${name}`;
    const entry = await stat(join(folder, path)).catch((error) => {
      if (['ENOENT', 'ELOOP'].includes(errno(error) ?? '')) return null;
      throw error;
    });
    if (entry?.isFile()) found.push(path);
    if (!entry?.isDirectory() || inside.includes(await realpath(join(folder, path)))) continue;
    found.push(...(await filesBelow(folder, path, inside)));
  }
  return found;
}

export async function collectModel(
  store: ArtifactStore,
  folder: string,
  name: string,
  chosen: readonly string[] | null,
): Promise<ModelManifest> {
  let paths: string[];
  try {
    paths = (await filesBelow(folder)).filter((path) => !chosen || chosen.includes(path));
  } catch (cause) {
    const message = `${folder}: cannot be read as a model folder (${errno(cause)}): check the path`;
    throw new GuardError(ErrorCode.BadInput, message, { cause });
  }
  if (paths.length === 0) {
    throw new GuardError(
      ErrorCode.BadInput,
      `${folder}: no files; expected a model folder with config.json and ONNX files`,
    );
  }
  const files: Record<string, ArtifactRef> = {};
  for (const path of paths) {
    files[path] = await store.putFile(join(folder, path), mediaTypes[extname(path)] ?? MediaType.Binary);
  }
  return { kind: 'model', name, files };
}

/** A manifest may come from another machine: its paths must stay inside the folder. */
function checkPaths(manifest: ModelManifest, ref: ArtifactRef): void {
  for (const path of Object.keys(manifest.files)) {
    const parts = path.split('/');
    if (
      /[\\:]/.test(path) ||
      normalize(path) !== path ||
      parts.some((part) => part.startsWith('.') || part === '')
    ) {
      throw new GuardError(
        ErrorCode.BadArtifact,
        `model ${ref.digest}: the file name "${path}" leads out of the model folder or is hidden; do not use this model`,
      );
    }
  }
}

async function isComplete(folder: string, manifest: ModelManifest): Promise<boolean> {
  try {
    const expected = Object.keys(manifest.files).sort();
    const found = (await filesBelow(folder)).sort();
    if (found.join('\n') !== expected.join('\n')) return false;
    for (const [path, ref] of Object.entries(manifest.files)) {
      if ((await hashFile(join(folder, path))) !== ref.digest) return false;
    }
    return true;
  } catch (error) {
    if (errno(error) === 'ENOENT') return false;
    throw asStorageError(error, 'read', folder);
  }
}

async function place(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    // Another file system, or one without hard links.
    if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'ENOSYS'].includes(errno(error) ?? '')) throw error;
    await copyFile(source, target);
    await chmod(target, 0o444);
  }
}

export async function checkoutModel(store: ArtifactStore, ref: ArtifactRef): Promise<string> {
  const manifest = await store.getJson(ref, ModelManifest);
  checkPaths(manifest, ref);
  const hex = ref.digest.slice('sha256:'.length);
  const folder = join(store.checkouts, hex);
  if (await isComplete(folder, manifest)) return folder;
  const temporary = join(store.checkouts, `.${hex}.${randomUUID()}.tmp`);
  try {
    for (const [path, file] of Object.entries(manifest.files)) {
      const target = join(temporary, path);
      const away = await store.away();
      if (away) throw away;
      await makeFolder(dirname(target));
      await place(await store.path(file), target);
    }
    await replaceFolder(temporary, folder, manifest);
  } catch (error) {
    throw asStorageError(error, 'lay out the model in', folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return folder;
}

async function replaceFolder(temporary: string, folder: string, manifest: ModelManifest): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rename(temporary, folder);
      return;
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(errno(error) ?? '') || attempt === 3) throw error;
    }
    // Another process was first, or an incomplete folder is in the way.
    if (await isComplete(folder, manifest)) return;
    await rm(folder, { recursive: true, force: true });
  }
}
