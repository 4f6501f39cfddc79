import type { Mapping } from '../schemas/mapping.ts';
import type { Format, Source } from './detect.ts';
import { type Draft, Fault } from './draft.ts';
import { choiceQuestion } from './formats/choices.ts';
import { answerPool, asChoice, freeText } from './formats/free-text.ts';
import { imageFolderRows, imageFolderSample } from './formats/imagefolder.ts';
import { mmbench } from './formats/mmbench.ts';
import { mmlu, mmluColumns } from './formats/mmlu.ts';
import { scienceQa } from './formats/scienceqa.ts';
import { seedBench } from './formats/seedbench.ts';
import { tableRow } from './formats/table.ts';
import { type BadRow, isBad, type RawRow } from './raw.ts';
import { delimitedRows } from './read/delimited.ts';
import { jsonElements, jsonLines } from './read/json.ts';
import { parquetRows } from './read/parquet.ts';
import { textOf } from './read/text.ts';

export interface OpenOptions {
  seed: number;
  mapping: Mapping;
}

/** A source's records, and what its format makes of one. */
export interface OpenSource {
  rows: AsyncIterable<RawRow | BadRow>;
  translate: (row: RawRow) => Draft;
}

/** Where a JSON document holds its records. */
const jsonPaths: Partial<Record<Format, string>> = { seedbench: '$.questions.*', textcaps: '$.data.*' };

async function isJsonLines(path: string): Promise<boolean> {
  for await (const piece of textOf(path)) {
    const [first, second] = piece.trimStart().split('\n');
    return Boolean(first?.trimEnd().endsWith('}') && first.startsWith('{') && second?.startsWith('{'));
  }
  return false;
}

async function* jsonRows(path: string, format: Format): AsyncGenerator<RawRow | BadRow> {
  if (await isJsonLines(path)) yield* jsonLines(path);
  else yield* jsonElements(path, jsonPaths[format] ?? '$.*', format === 'scienceqa' ? 'pid' : undefined);
}

function rowsOf({ path, format }: Source): AsyncIterable<RawRow | BadRow> {
  if (format === 'imagefolder') return imageFolderRows(path);
  const file = path.replace(/\.gz$/i, '').toLowerCase();
  if (file.endsWith('.parquet')) return parquetRows(path);
  if (file.endsWith('.json')) return jsonRows(path, format);
  if (/\.(csv|tsv)$/.test(file)) return delimitedRows(path, format === 'mmlu' ? mmluColumns : undefined);
  return jsonLines(path);
}

async function* readable(rows: AsyncIterable<RawRow | BadRow>): AsyncGenerator<RawRow> {
  for await (const row of rows) if (!isBad(row)) yield row;
}

async function translator(source: Source, { seed, mapping }: OpenOptions): Promise<OpenSource['translate']> {
  switch (source.format) {
    case 'openbookqa':
    case 'arc':
      return choiceQuestion;
    case 'mmlu':
      return mmlu;
    case 'scienceqa':
      return scienceQa;
    case 'mmbench':
      return mmbench();
    case 'seedbench':
      return seedBench;
    case 'imagefolder':
      return imageFolderSample(seed);
    case 'llava':
    case 'textcaps': {
      const read = freeText[source.format];
      return asChoice(read, await answerPool(readable(rowsOf(source)), read), seed);
    }
    case 'table':
      return tableRow(mapping);
  }
}

/** Opens a source for reading from its beginning. */
export async function openSource(source: Source, options: OpenOptions): Promise<OpenSource> {
  return { rows: rowsOf(source), translate: await translator(source, options) };
}

/** A draft, or why there is none. */
export function drafted(row: RawRow, translate: OpenSource['translate']): Draft | BadRow {
  try {
    return translate(row);
  } catch (error) {
    if (error instanceof Fault)
      return { file: row.file, row: row.row, field: error.field, why: error.message };
    throw error;
  }
}
