import { basename } from 'node:path';
import { isLabelledImages } from './formats/labelled.ts';
import { usual } from './formats/table.ts';
import { isBad, type RawRow } from './raw.ts';
import { arrowColumns, isArrowCache } from './read/arrow.ts';
import { delimitedRows } from './read/delimited.ts';
import { jsonRows } from './read/json.ts';
import { parquetColumns } from './read/parquet.ts';
import { headOf } from './read/text.ts';

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

const dataFile = /\.(?:(jsonl|ndjson|json|csv|tsv)(?:\.gz)?|(parquet|arrow))$/i;
/** Files that lie beside published data and hold none. */
const beside =
  /^(pid_splits|captions|dataset_infos?|dataset_dict|readme.*|meta|classes|labels|config|state)\.json$/i;

export const isDataFile = (path: string) => dataFile.test(path) && !isArrowCache(basename(path));
export const liesBesideData = (path: string) => beside.test(basename(path));

/** "csv" of "a.CSV.gz". */
function extension(path: string): string {
  const [, text, table] = dataFile.exec(path) ?? [];
  return (text ?? table ?? '').toLowerCase();
}

/** Names of the fields of a record, inner ones as "question.stem". */
function namesIn(values: Record<string, unknown>): Set<string> {
  const inner = Object.entries(values).flatMap(([name, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value).map((key) => `${name}.${key}`)
      : [],
  );
  return new Set([...Object.keys(values), ...inner]);
}

async function firstOf(rows: AsyncIterable<RawRow | { why: string }>): Promise<Set<string>> {
  for await (const row of rows) if (!('why' in row)) return namesIn(row.values);
  return new Set();
}

const hasAll = (keys: ReadonlySet<string>, ...names: string[]) => names.every((name) => keys.has(name));

/** OpenBookQA and ARC look alike; ARC's files and folders are named so. */
const arcOr = (path: string): Format => (/(^|[\\/_-])arc([\\/_.-]|$)/i.test(path) ? 'arc' : 'openbookqa');

/** The first rule that holds. */
const rules: readonly [Format | 'arc or openbookqa', (has: (...names: string[]) => boolean) => boolean][] = [
  ['openbookqa', (has) => has('question_stem', 'choices', 'answerkey')],
  ['openbookqa', (has) => has('question.stem', 'question.choices', 'fact1')],
  ['arc or openbookqa', (has) => has('question.stem', 'question.choices')],
  ['arc', (has) => has('question', 'choices', 'answerkey') || has('questionid', 'question', 'answerkey')],
  ['openbookqa', (has) => has('question stem', 'choices')],
  ['mmbench', (has) => has('index', 'question', 'a', 'b', 'image')],
  [
    'scienceqa',
    (has) => has('question', 'choices', 'answer', 'image') && (has('lecture') || has('hint', 'skill')),
  ],
  ['mmlu', (has) => has('question', 'choices', 'answer', 'subject')],
  ['mmlu', (has) => has('train.question', 'train.choices', 'train.answer')],
  ['mmlu', (has) => has('question', 'a', 'b', 'c', 'd', 'answer', 'subject')],
  [
    'seedbench',
    (has) =>
      has('question', 'choice_a', 'choice_b') &&
      (has('data_id') || has('question_type_id') || has('data_type') || has('question_id', 'image')) &&
      !has('decides'),
  ],
  ['llava', (has) => has('conversations')],
  ['textcaps', (has) => has('caption_str') || has('reference_strs')],
];

function formatOfKeys(found: ReadonlySet<string>, path: string): Format {
  const keys = new Set([...found].map((key) => key.toLowerCase()));
  const [format] = rules.find(([, rule]) => rule((...names) => hasAll(keys, ...names))) ?? [];
  if (format === 'arc or openbookqa') return arcOr(path);
  return format ?? (isLabelledImages(keys) ? 'imagefolder' : 'table');
}

/** The authors' MMLU files have no header: six cells, the last a letter, in most rows at least. */
async function isHeaderless(path: string, encoding: string | undefined): Promise<boolean> {
  let [letters, gaps, rows] = [0, 0, 0];
  for await (const row of delimitedRows(path, [...'qabcde'], encoding)) {
    if (isBad(row)) continue;
    const last = String(row.values.e).trim();
    if (rows === 0 && last.length > 1) return false;
    if (last === '') gaps++;
    else if (/^[A-D]$/i.test(last)) letters++;
    if (++rows === 20) break;
  }
  return letters > 0 && letters + gaps > rows / 2;
}

/** Documents whose records lie deeper than the outermost list or object. */
async function formatOfDocument(path: string, encoding: string | undefined): Promise<Format | undefined> {
  const head = await headOf(path, encoding);
  if (/"question_type"\s*:\s*\{/.test(head)) return 'seedbench';
  if (/"choice_a"\s*:/.test(head) && /"(data_id|data_type|question_type_id)"\s*:/.test(head))
    return 'seedbench';
  if (/"conversations"\s*:/.test(head)) return 'llava';
  if (/"(caption_str|reference_strs)"\s*:|"dataset_name"\s*:\s*"textcaps"/.test(head)) return 'textcaps';
  if (/"choices"\s*:/.test(head) && /"(lecture|skill|grade)"\s*:/.test(head)) return 'scienceqa';
  return undefined;
}

async function keysOf(path: string, encoding: string | undefined): Promise<Set<string>> {
  const kind = extension(path);
  if (kind === 'parquet') return new Set(await parquetColumns(path));
  if (kind === 'arrow') return new Set(await arrowColumns(path));
  const rows =
    kind === 'csv' || kind === 'tsv'
      ? delimitedRows(path, undefined, encoding)
      : jsonRows(path, encoding === undefined ? {} : { encoding });
  return firstOf(rows);
}

/** Which of the known layouts a file has; `table` where it is none of the published ones. */
export async function formatOfFile(path: string, encoding?: string): Promise<Format> {
  const kind = extension(path);
  if (kind === 'csv' && (await isHeaderless(path, encoding))) return 'mmlu';
  const found = kind === 'json' ? await formatOfDocument(path, encoding) : undefined;
  return found ?? formatOfKeys(await keysOf(path, encoding), path);
}

/** Whether a table has a column of questions or options. */
export async function asksQuestions(path: string, encoding?: string): Promise<boolean> {
  const keys = new Set([...(await keysOf(path, encoding))].map((key) => key.toLowerCase()));
  return [...usual.question, ...usual.options].some((name) => keys.has(name));
}
