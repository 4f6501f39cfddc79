import { basename } from 'node:path';
import type { Mapping } from '../schemas/mapping.ts';
import { digestOfBytes } from '../store/index.ts';
import { type Format, isDataFile } from './detect.ts';
import { type Draft, Fault } from './draft.ts';
import { choiceId, choiceQuestion } from './formats/choices.ts';
import { answerPool, asChoice, captionId, freeText } from './formats/free-text.ts';
import { imageFolderRows, imageFolderSample } from './formats/imagefolder.ts';
import { classesIn, labelledId, labelledImage } from './formats/labelled.ts';
import { mmbench, mmbenchId } from './formats/mmbench.ts';
import { addMmluAnswer, mmlu, mmluColumns, mmluId } from './formats/mmlu.ts';
import { checkOnePicture } from './formats/pictures.ts';
import { addScienceQaAnswer, scienceQa, scienceQaId } from './formats/scienceqa.ts';
import { seedBench, seedBenchId } from './formats/seedbench.ts';
import { surveyAnswer, tableId, tableRow, tableSplit } from './formats/table.ts';
import { partitionsOf } from './partitions.ts';
import { type BadRow, isBad, type RawRow } from './raw.ts';
import { arrowRows } from './read/arrow.ts';
import { delimitedRows, hasHeader } from './read/delimited.ts';
import { type JsonForm, jsonRows, passedOver } from './read/json.ts';
import { parquetRows } from './read/parquet.ts';
import type { Source } from './sources.ts';
import { type Looking, type Survey, surveyed } from './survey.ts';

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
  /** What a person should know of how the source is read. */
  notes: readonly string[];
}

/** Where a JSON document holds its records, and what their keys are. */
const documents: Partial<Record<Format, Pick<JsonForm, 'list' | 'key'>>> = {
  seedbench: { list: 'questions' },
  textcaps: { list: 'data' },
  scienceqa: { key: 'pid' },
};

const isFolder = ({ format, path }: Source) => format === 'imagefolder' && !isDataFile(path);

/** `pictures: false`: columns of bytes may be left out. */
async function* recordsOf(source: Source, pictures: boolean): AsyncGenerator<RawRow | BadRow> {
  const { encoding, format, path } = source;
  if (isFolder(source)) yield* imageFolderRows(path);
  else if (/\.parquet$/i.test(path)) yield* parquetRows(path, { pictures });
  else if (/\.arrow$/i.test(path)) yield* arrowRows(path, { pictures });
  else if (/\.(csv|tsv)(\.gz)?$/i.test(path)) {
    const headless = format === 'mmlu' && !(await hasHeader(path, ['question', 'answer'], encoding));
    yield* delimitedRows(path, headless ? mmluColumns : undefined, encoding);
  } else yield* jsonRows(path, { ...documents[format], ...(encoding === undefined ? {} : { encoding }) });
}

/** The rows, with what folders called key=value say where the file has no such column. */
async function* rowsOf(source: Source, pictures = true): AsyncGenerator<RawRow | BadRow> {
  const partitions = Object.entries(isFolder(source) ? {} : partitionsOf(source.path));
  for await (const row of recordsOf(source, pictures)) {
    if (isBad(row) || partitions.length === 0) yield row;
    else {
      const own = new Set(Object.keys(row.values).map((name) => name.toLowerCase()));
      const added = partitions.filter(([name]) => !own.has(name.toLowerCase()));
      yield { ...row, values: { ...row.values, ...Object.fromEntries(added) } };
    }
  }
}

async function passedOverIn(source: Source): Promise<string[]> {
  const { encoding, format, path } = source;
  if (isFolder(source) || !/\.json(\.gz)?$/i.test(path)) return [];
  return passedOver(path, { ...documents[format], ...(encoding === undefined ? {} : { encoding }) });
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

  /** Looks at the source's columns as a whole, then opens it for reading from its beginning. */
  async open(source: Source): Promise<OpenSource> {
    const looking = this.lookingAt(source);
    const survey = await surveyed(looking ? readable(rowsOf(source, false)) : noRows(), looking ?? {});
    const translate = await this.translator(source, survey);
    const { ignore } = this.options.mapping;
    const checked = (row: RawRow) => {
      const draft = ownId(row, translate(row), survey, looking);
      if (!isFolder(source)) checkOnePicture(row.values, draft.image, ignore);
      return draft;
    };
    const notes = [...survey.notes, ...(await passedOverIn(source))];
    return { rows: rowsOf(source), translate: checked, notes };
  }

  private lookingAt(source: Source): Looking | undefined {
    const { mapping } = this.options;
    switch (source.format) {
      case 'openbookqa':
      case 'arc':
        return { idOf: choiceId };
      case 'mmlu':
        return { idOf: mmluId, addAnswer: addMmluAnswer };
      case 'scienceqa':
        return { idOf: scienceQaId, addAnswer: addScienceQaAnswer };
      case 'mmbench':
        return { idOf: mmbenchId };
      case 'seedbench':
        return { idOf: seedBenchId };
      case 'textcaps':
        return { idOf: captionId };
      case 'imagefolder':
        return isFolder(source) ? undefined : { idOf: labelledId };
      case 'llava':
        return undefined;
      case 'table':
        return {
          idOf: tableId(mapping),
          addAnswer: (row, column) => surveyAnswer(mapping, column, row),
          splitOf: tableSplit(mapping),
        };
    }
  }

  private async translator(source: Source, { rule }: Survey): Promise<OpenSource['translate']> {
    const { mapping, matched, seed } = this.options;
    switch (source.format) {
      case 'openbookqa':
      case 'arc':
        return choiceQuestion;
      case 'mmlu':
        return mmlu(rule);
      case 'scienceqa':
        return scienceQa(rule);
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
        return tableRow(mapping, matched, rule);
    }
  }

  /** Of all tables of images together: the parts of a set may hold different classes. */
  private classesOfTables(): Promise<string[]> {
    const tables = this.sources.filter((one) => one.format === 'imagefolder' && !isFolder(one));
    this.classes ??= classesIn(tables.map((one) => ({ file: one.path, rows: readable(rowsOf(one)) })));
    return this.classes;
  }
}

async function* noRows(): AsyncGenerator<RawRow> {}

/** An id that other rows of the file have, too, names none of them: the row gets one by its place. */
function ownId(row: RawRow, draft: Draft, survey: Survey, looking: Looking | undefined): Draft {
  const id = looking?.idOf?.(row) ?? null;
  if (id === null || !survey.repeats(id)) return draft;
  return {
    ...draft,
    id: `${basename(row.file)} ${row.row}`,
    unnamed: true,
    shared: JSON.stringify(said(row.values)),
  };
}

/** A value with bytes by their digest and whole numbers by their digits. */
function said(value: unknown): unknown {
  if (value instanceof Uint8Array) return digestOfBytes(value);
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(said);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([name, inner]) => [name, said(inner)]);
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
