import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders that tsconfig.build.json compiles. */
export function sourceFolders(root) {
  return JSON.parse(readFileSync(join(root, 'tsconfig.build.json'), 'utf8')).include;
}

/** SHA-256 over names and contents of everything that the build reads. Contents, because a clone's times say nothing. */
export function sourceDigest(root) {
  const files = sourceFolders(root).flatMap((folder) => filesBelow(root, folder, /\.(ts|json)$/));
  const settings = [
    'tsconfig.json',
    'tsconfig.build.json',
    'package-lock.json',
    'scripts/build.mjs',
    'scripts/onnxruntime.mjs',
  ];
  return digestOf(root, [...files, ...settings]);
}

/** SHA-256 over names and contents of `files`, paths relative to `root`. */
export function digestOf(root, files) {
  const hash = createHash('sha256');
  for (const file of [...files].sort()) {
    const path = join(root, file);
    if (!existsSync(path)) continue;
    const bytes = readFileSync(path);
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest('hex');
}

/** Paths relative to `root` of the files below `folder` whose name matches. */
export function filesBelow(root, folder, pattern) {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(join(root, '/').length));
}

/** The digest that dist/ was built from; null: there is no complete build. */
export function builtFor(root) {
  try {
    return readFileSync(stampPath(root), 'utf8').trim();
  } catch {
    return null;
  }
}

export function stampPath(root) {
  return join(root, 'dist', '.built-for');
}
