import { readdir, stat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { isImageFolder } from './formats/imagefolder.ts';
import { isBad } from './raw.ts';
import { delimitedRows } from './read/delimited.ts';
import { jsonLines } from './read/json.ts';
import { parquetColumns } from './read/parquet.ts';
import { textOf } from './read/text.ts';

export const formats = [
  'openbookqa',
  'arc',
  'mmlu',
  'scienceqa',
  'mmbench',
  'seedbench',
  'imagefolder',
  'llava',
  'textcaps',
  'table',
] as const;
export type Format = (typeof formats)[number];

/** One file to read, or a folder of images. */
export interface Source {
  path: string;
  format: Format;
}

const dataFile = /\.(jsonl|ndjson|json|csv|tsv|parquet)(\.gz)?$/i;
/** Files that lie beside published data and hold none. */
const beside =
  /^(pid_splits|captions|dataset_infos?|readme.*|meta|classes|labels|config|state)\.(json|csv)$/i;

const extension = (path: string) => (dataFile.exec(path)?.[1] ?? '').toLowerCase();

/** The first characters of a text file. */
async function headOf(path: string): Promise<string> {
  for await (const piece of textOf(path)) return piece.slice(0, 65_536);
  return '';
}

/** Keys that a record of the file has, nested ones as "question.stem". */
async function keysOf(path: string): Promise<Set<string>> {
  if (extension(path) === 'parquet') return new Set(await parquetColumns(path));
  const rows = ['csv', 'tsv'].includes(extension(path)) ? delimitedRows(path) : jsonLines(path);
  for await (const row of rows) {
    if (isBad(row)) continue;
    const { question } = row.values;
    const nested = typeof question === 'object' && question !== null ? Object.keys(question) : [];
    return new Set([...Object.keys(row.values), ...nested.map((key) => `question.${key}`)]);
  }
  return new Set();
}

const hasAll = (keys: ReadonlySet<string>, ...names: string[]) => names.every((name) => keys.has(name));

/** OpenBookQA and ARC look alike; ARC's files and folders are named so. */
const arcOr = (path: string): Format => (/(^|[\\/_-])arc([\\/_.-]|$)/i.test(path) ? 'arc' : 'openbookqa');

function formatOfKeys(keys: ReadonlySet<string>, path: string): Format {
  if (hasAll(keys, 'question_stem', 'choices', 'answerKey')) return 'openbookqa';
  if (hasAll(keys, 'question.stem', 'question.choices')) {
    return keys.has('fact1') ? 'openbookqa' : arcOr(path);
  }
  if (hasAll(keys, 'question', 'choices', 'answerKey')) return 'arc';
  if (hasAll(keys, 'index', 'question', 'A', 'B', 'image')) return 'mmbench';
  if (hasAll(keys, 'question', 'choices', 'answer', 'image') && (keys.has('lecture') || keys.has('hint'))) {
    return 'scienceqa';
  }
  if (hasAll(keys, 'question', 'choices', 'answer', 'subject')) return 'mmlu';
  if (hasAll(keys, 'conversations')) return 'llava';
  return 'table';
}

/** The authors' MMLU files have no header: six cells, the last a letter. */
async function isHeaderless(path: string): Promise<boolean> {
  for await (const row of delimitedRows(path, [...'qabcde'])) {
    return !isBad(row) && /^[A-D]$/.test(String(row.values.e).trim());
  }
  return false;
}

async function formatOfJson(path: string): Promise<Format> {
  const head = await headOf(path);
  if (/"choice_a"\s*:/.test(head)) return 'seedbench';
  if (/"conversations"\s*:/.test(head)) return 'llava';
  if (/"caption_str"\s*:|"reference_strs"\s*:/.test(head)) return 'textcaps';
  if (/"choices"\s*:/.test(head) && /"(lecture|hint|split)"\s*:/.test(head)) return 'scienceqa';
  return 'table';
}

/** Which of the known layouts a file has; `table` where it is none of the published ones. */
async function formatOfFile(path: string): Promise<Format> {
  const kind = extension(path);
  if (kind === 'json' && !(await headOf(path)).trimStart().startsWith('{"id"')) return formatOfJson(path);
  if (kind === 'csv' && (await isHeaderless(path))) return 'mmlu';
  return formatOfKeys(await keysOf(path), path);
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && dataFile.test(entry.name) && !beside.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.split(sep).some((part) => part.startsWith('.')))
    .sort();
}

/** What there is to read under a path. @throws GuardError BadInput where there is nothing */
export async function sourcesOf(path: string, wanted: Format | 'auto'): Promise<Source[]> {
  const found = await stat(path).catch(() => null);
  const fail = (what: string) => new GuardError(ErrorCode.BadInput, `${path}: ${what}`);
  if (!found) throw fail('there is no such file or folder');
  const known =
    'expected .jsonl, .json, .csv, .tsv or .parquet files (also .gz), or images in folders by class';
  if (found.isFile()) {
    if (!dataFile.test(path)) throw fail(`is no file that can be read; ${known}`);
    return [{ path, format: wanted === 'auto' ? await formatOfFile(path) : wanted }];
  }
  if (wanted === 'imagefolder') return [{ path, format: wanted }];
  const files = await filesUnder(path);
  if (wanted === 'auto' && (files.length === 0 || basename(path) === 'food-101')) {
    if (await isImageFolder(path)) return [{ path, format: 'imagefolder' }];
  }
  if (files.length === 0) throw fail(`holds nothing to read; ${known}`);
  const sources: Source[] = [];
  for (const file of files) {
    sources.push({ path: file, format: wanted === 'auto' ? await formatOfFile(file) : wanted });
  }
  // Tables of nobody's layout beside class folders, such as Food-101's lists of names.
  const plain = sources.every(({ format }) => format === 'table');
  if (wanted === 'auto' && plain && (await isImageFolder(path))) return [{ path, format: 'imagefolder' }];
  return sources;
}
