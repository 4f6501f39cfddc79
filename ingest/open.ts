import type { Mapping } from '../schemas/mapping.ts';
import { type Format, isDataFile } from './detect.ts';
import { type Draft, Fault } from './draft.ts';
import { choiceQuestion } from './formats/choices.ts';
import { answerPool, asChoice, freeText } from './formats/free-text.ts';
import { imageFolderRows, imageFolderSample } from './formats/imagefolder.ts';
import { classesIn, labelledImage } from './formats/labelled.ts';
import { mmbench } from './formats/mmbench.ts';
import { mmlu, mmluColumns } from './formats/mmlu.ts';
import { scienceQa } from './formats/scienceqa.ts';
import { seedBench } from './formats/seedbench.ts';
import { tableRow } from './formats/table.ts';
import { type BadRow, isBad, type RawRow } from './raw.ts';
import { delimitedRows, hasHeader } from './read/delimited.ts';
import { jsonRows } from './read/json.ts';
import { parquetRows } from './read/parquet.ts';
import type { Source } from './sources.ts';

export interface OpenOptions {
  seed: number;
  mapping: Mapping;
  /** Fields by which tasks take rows. */
  matched: readonly string[];
}

/** A source's records, and what its format makes of one. */
export interface OpenSource {
  rows: AsyncIterable<RawRow | BadRow>;
  translate: (row: RawRow) => Draft;
}

/** Where a JSON document holds its records, and what their keys are. */
const documents: Partial<Record<Format, { list?: string; key?: string }>> = {
  seedbench: { list: 'questions' },
  textcaps: { list: 'data' },
  scienceqa: { key: 'pid' },
};

const isFolder = ({ format, path }: Source) => format === 'imagefolder' && !isDataFile(path);

async function* rowsOf(source: Source): AsyncGenerator<RawRow | BadRow> {
  const { format, path } = source;
  if (isFolder(source)) yield* imageFolderRows(path);
  else if (/\.parquet$/i.test(path)) yield* parquetRows(path);
  else if (/\.(csv|tsv)(\.gz)?$/i.test(path)) {
    const headless = format === 'mmlu' && !(await hasHeader(path, ['question', 'answer']));
    yield* delimitedRows(path, headless ? mmluColumns : undefined);
  } else yield* jsonRows(path, documents[format]);
}

async function* readable(rows: AsyncIterable<RawRow | BadRow>): AsyncGenerator<RawRow> {
  for await (const row of rows) if (!isBad(row)) yield row;
}

/** Opens the sources of one data set. */
export class Opener {
  private readonly sources: readonly Source[];
  private readonly options: OpenOptions;
  private classes: Promise<string[]> | undefined;

  constructor(sources: readonly Source[], options: OpenOptions) {
    this.sources = sources;
    this.options = options;
  }

  /** Opens a source for reading from its beginning. */
  async open(source: Source): Promise<OpenSource> {
    return { rows: rowsOf(source), translate: await this.translator(source) };
  }

  private async translator(source: Source): Promise<OpenSource['translate']> {
    const { mapping, matched, seed } = this.options;
    switch (source.format) {
      case 'openbookqa':
      case 'arc':
        return choiceQuestion;
      case 'mmlu':
        return mmlu;
      case 'scienceqa':
        return scienceQa;
      case 'mmbench':
        return mmbench(() => readable(rowsOf(source)));
      case 'seedbench':
        return seedBench;
      case 'imagefolder':
        if (isFolder(source)) return imageFolderSample(seed);
        return labelledImage(source.path, await this.classesOfTables(), seed);
      case 'llava':
      case 'textcaps': {
        const read = freeText[source.format];
        return asChoice(read, await answerPool(readable(rowsOf(source)), read), seed);
      }
      case 'table':
        return tableRow(mapping, matched);
    }
  }

  /** Of all tables of images together: the parts of a set may hold different classes. */
  private classesOfTables(): Promise<string[]> {
    const tables = this.sources.filter((one) => one.format === 'imagefolder' && !isFolder(one));
    this.classes ??= classesIn(tables.map((one) => ({ file: one.path, rows: readable(rowsOf(one)) })));
    return this.classes;
  }
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
