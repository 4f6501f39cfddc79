import { basename, dirname, join } from 'node:path';
import { type Draft, Fault, textCell } from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { classNamesOf } from '../read/parquet.ts';
import { namesOf, numberedNames } from './class-names.ts';
import { whichClass } from './drawn.ts';

const imageColumns = ['image', 'img', 'image_path', 'file_name', 'filename', 'file', 'path'];
const labelColumns = ['label', 'labels', 'class', 'class_name', 'category', 'fine_label'];
/** Columns of tables that ask something else. */
const otherColumns = [
  'question',
  'prompt',
  'query',
  'instruction',
  'options',
  'choices',
  'candidates',
  'a',
  'text',
];

type Values = Record<string, unknown>;

function cellOf(values: Values, names: readonly string[]): unknown {
  const keys = Object.keys(values);
  const column = names.map((name) => keys.find((key) => key.toLowerCase() === name)).find(Boolean);
  return column === undefined ? undefined : values[column];
}

/** Whether a table's columns (in small letters) are images and their classes and nothing asks a question of its own. */
export function isLabelledImages(keys: ReadonlySet<string>): boolean {
  const hasOne = (names: readonly string[]) => names.some((name) => keys.has(name));
  return hasOne(imageColumns) && hasOne(labelColumns) && !hasOne(otherColumns);
}

interface Classes {
  /** The class that a row names, readable; a number is looked up. @throws Fault where there is none */
  of(values: Values): string;
  /** All that the file declares; absent: they have to be collected. */
  all?: string[];
}

async function classesOf(file: string): Promise<Classes> {
  const folders = [dirname(file), join(dirname(file), '..')];
  const declared = await classNamesOf(file);
  const numbered = declared ?? (await numberedNames(folders));
  const nameOf = await namesOf(folders);
  const of = (values: Values) => {
    const label = textCell(cellOf(values, labelColumns));
    if (label === null) throw new Fault('label', 'expected the class of what is in the picture');
    if (!/^\d+$/.test(label)) return nameOf(label);
    const name = numbered?.[Number(label)];
    if (name !== undefined) return nameOf(name);
    const found = numbered === undefined ? 'and nothing names the classes' : `of ${numbered.length} names`;
    throw new Fault(
      'label',
      `is number ${label} (from 0), ${found}; put their names, one a line, into classes.txt beside the file`,
    );
  };
  return declared ? { of, all: declared.map(nameOf) } : { of };
}

/** A table of a set, and its rows from the beginning. */
export interface LabelledTable {
  file: string;
  rows: AsyncIterable<RawRow>;
}

/** The classes of all tables of a set, sorted: a part may hold the pictures of a few of them alone. */
export async function classesIn(tables: readonly LabelledTable[]): Promise<string[]> {
  const classes = new Set<string>();
  for (const { file, rows } of tables) {
    const { all, of } = await classesOf(file);
    for (const name of all ?? []) classes.add(name);
    if (all) continue;
    for await (const { values } of rows) {
      try {
        classes.add(of(values));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
      }
    }
  }
  return [...classes].sort();
}

/** The path of a row's image, which names the row; null: it has none. */
export function labelledId({ values }: RawRow): string | null {
  const image = cellOf(values, imageColumns);
  return typeof image === 'string' ? textCell(image) : null;
}

/** Images with a class each, in a table: Mini-ImageNet's CSV files, Hugging Face's Parquet of Food-101 or of any image folder. */
export async function labelledImage(
  file: string,
  classes: readonly string[],
  seed: number,
): Promise<(row: RawRow) => Draft> {
  const { of } = await classesOf(file);
  return (raw) => {
    const { row, values } = raw;
    const name = of(values);
    const image = cellOf(values, imageColumns);
    const path = labelledId(raw);
    return {
      ...whichClass({ id: path ?? `${basename(file)} ${row}`, image, name, classes }, seed),
      unnamed: path === null,
      ...(typeof values.split === 'string' ? { split: values.split } : {}),
    };
  };
}
