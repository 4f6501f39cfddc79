import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { Split } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError, whyUnreadable } from '../schemas/errors.ts';
import { matchesWildcard } from '../schemas/wildcard.ts';
import { asksQuestions, type Format, formatOfFile, isDataFile, liesBesideData } from './detect.ts';
import { refuseForeign } from './foreign.ts';
import { isImageFolder } from './formats/imagefolder.ts';
import { filesBelow } from './read/files.ts';
import { splitOfPath } from './splits.ts';

/** One file to read, or a folder of images. */
export interface Source {
  path: string;
  format: Format;
  /** Path from what was asked for: tells files apart on every machine. */
  name: string;
  /** What its path says of all its rows; absent: nothing. */
  split?: Split;
  /** Of its text, where no byte order mark names one; absent: UTF-8. */
  encoding?: string;
}

export interface Wanted {
  format: Format | 'auto';
  /** A mapping says what the columns are: the file is a table. */
  mapped: boolean;
  encoding?: string | undefined;
}

const expected =
  'expected .jsonl, .json, .csv, .tsv (also .gz), .parquet or .arrow files, or images in folders by class; archives must be unpacked';

const dataBelow = async (folder: string) =>
  (await filesBelow(folder)).filter((path) => isDataFile(path) && !liesBesideData(path));

async function sourceOf(
  path: string,
  root: string,
  { encoding, format: wanted, mapped }: Wanted,
): Promise<Source> {
  const found = async () => {
    await refuseForeign(path, encoding);
    return mapped ? 'table' : formatOfFile(path, encoding);
  };
  const format = wanted === 'auto' ? await found() : wanted;
  const full = resolve(path);
  // Of a single file the folder that it lies in may say the split.
  const placed = root === path ? join(basename(dirname(full)), basename(full)) : relative(root, path);
  const split = splitOfPath(placed, format === 'table');
  return {
    path,
    format,
    name: relative(root, path) || basename(path),
    ...(split ? { split } : {}),
    ...(encoding ? { encoding } : {}),
  };
}

/** Tables that ask nothing: beside class folders they are lists, such as Food-101's of names. */
async function areLists(sources: readonly Source[]): Promise<boolean> {
  for (const { encoding, format, path } of sources)
    if (format !== 'table' || (await asksQuestions(path, encoding))) return false;
  return true;
}

/** Paths that a pattern with * and ? stands for, where the shell has left it as it is. */
async function matching(pattern: string): Promise<string[]> {
  const [first = '', ...parts] = pattern.split(sep);
  let found = [/[*?]/.test(first) ? '.' : first || sep];
  for (const part of /[*?]/.test(first) ? [first, ...parts] : parts) {
    const next = found.map(async (folder) => {
      if (!/[*?]/.test(part)) return [join(folder, part)];
      const names = await readdir(folder).catch(() => []);
      return names
        .filter((name) => matchesWildcard(part, name, { single: true }) && !name.startsWith('.'))
        .map((name) => join(folder, name));
    });
    found = (await Promise.all(next)).flat();
  }
  return found.sort();
}

/** What there is to read under a path. @throws GuardError BadInput where there is nothing */
async function sourcesAt(path: string, wanted: Wanted): Promise<Source[]> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return null;
    throw new GuardError(ErrorCode.BadInput, `${path}: ${whyUnreadable(cause)}`, { cause });
  });
  const fail = (what: string) => new GuardError(ErrorCode.BadInput, `${path}: ${what}`);
  if (!found) {
    const matched = /[*?]/.test(path) ? await matching(path) : [];
    if (matched.length === 0) throw fail('there is no such file or folder');
    return (await Promise.all(matched.map((one) => sourcesAt(one, wanted)))).flat();
  }
  if (found.isFile()) {
    if (!isDataFile(path)) throw fail(`is no file that can be read; ${expected}`);
    return [await sourceOf(path, path, wanted)];
  }
  if (!found.isDirectory())
    throw fail('is a pipe or a device, and data are read twice; write them into a file first');
  const images = wanted.format === 'auto' || wanted.format === 'imagefolder';
  const byClass: Source[] = [{ path, format: 'imagefolder', name: basename(resolve(path)) }];
  if (wanted.format === 'imagefolder' && (await isImageFolder(path))) return byClass;
  const files = await dataBelow(path);
  if (files.length === 0) {
    if (images && (await isImageFolder(path))) return byClass;
    throw fail(`holds nothing to read; ${expected}`);
  }
  const sources: Source[] = [];
  for (const file of files) sources.push(await sourceOf(file, path, wanted));
  const lists = wanted.format === 'auto' && !wanted.mapped && (await areLists(sources));
  return lists && (await isImageFolder(path)) ? byClass : sources;
}

/** The files and image folders to read, each once. @throws GuardError BadInput where a path holds nothing */
export async function sourcesOf(paths: readonly string[], wanted: Wanted): Promise<Source[]> {
  const found = (await Promise.all(paths.map((path) => sourcesAt(path, wanted)))).flat();
  const seen = new Set<string>();
  return found.filter(({ path }) => !seen.has(resolve(path)) && seen.add(resolve(path)));
}
