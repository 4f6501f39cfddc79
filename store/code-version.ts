import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds the library folders: the project's, or `dist/` in what is built. */
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const known = new Map<string, Promise<string>>();

async function codeFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...(await codeFiles(path)));
    else if (entry.name.endsWith(extension) && !entry.name.endsWith('.d.ts')) found.push(path);
  }
  return found;
}

/** The installed version of a dependency: found as Node finds it, without loading it. */
async function packageVersion(name: string): Promise<string> {
  for (let folder = root; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name, 'package.json');
    if (existsSync(path)) return (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version;
    if (dirname(folder) === folder) throw new Error(`the package ${name} is not installed`);
  }
}

async function compute(folders: readonly string[], packages: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of folders) {
    for (const path of await codeFiles(folder)) {
      const text = await readFile(join(root, path));
      hash.update(`${path}\0${text.byteLength}\0`).update(text);
    }
  }
  for (const name of packages) hash.update(`${name}@${await packageVersion(name)}\0`);
  return hash.digest('hex').slice(0, 16);
}

/**
 * A digest of the code in the library folders that a step uses, and of the versions of the packages that shape its
 * results. Independent of git; read once a process. Source (.ts) and build (.js) have different versions.
 * @param folders relative to the project, for example `['engine', 'training']`
 * @param packages for example `['onnxruntime-node']`
 * @returns 16 hex digits
 */
export function codeVersion(folders: readonly string[], packages: readonly string[] = []): Promise<string> {
  const wanted = [[...new Set(folders)].sort(), [...new Set(packages)].sort()] as const;
  const key = JSON.stringify(wanted);
  const version = known.get(key) ?? compute(...wanted);
  known.set(key, version);
  return version;
}
