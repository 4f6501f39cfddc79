import type { EncodedImage } from '../../schemas/benchmark.ts';

/** What a column holds, and the JavaScript type of its values. */
interface ColumnValues {
  string: string;
  bool: boolean;
  int32: number;
  /** Whole numbers up to 2^53 in size. */
  int64: number;
  float32: number;
  float64: number;
  binary: Uint8Array;
  /** struct<bytes: binary, path: string>, as Hugging Face datasets store an image. */
  image: EncodedImage;
  /** list<struct<role: string, content: string>>, a conversation as trainers take it; for writing alone. */
  messages: { role: string; content: string }[];
  'list<string>': string[];
  'list<int32>': number[];
  'list<float64>': number[];
}
export type ColumnKind = keyof ColumnValues;

export interface Column {
  readonly kind: ColumnKind;
  readonly nullable?: boolean;
  /** For reading: the file may lack the column; its values are then null (so it is nullable too). */
  readonly mayLack?: boolean;
}

/** Column name -> column, in the order of the file. */
export type TableSchema = Readonly<Record<string, Column>>;

type Value<C extends Column> = C extends { nullable: true }
  ? ColumnValues[C['kind']] | null
  : ColumnValues[C['kind']];

export type Row<S extends TableSchema> = { -readonly [K in keyof S]: Value<S[K]> };

/** Element kind of a list column; undefined for anything else. */
export function elementKind(kind: ColumnKind): ColumnKind | undefined {
  return kind.startsWith('list<') ? (kind.slice(5, -1) as ColumnKind) : undefined;
}

/** The Hugging Face `datasets` description of the columns, kept in the file's metadata under "huggingface". */
export function huggingFaceFeatures(schema: TableSchema): string {
  const features: Record<string, unknown> = {};
  for (const [name, column] of Object.entries(schema)) {
    const element = elementKind(column.kind);
    if (column.kind === 'image') features[name] = { _type: 'Image' };
    // "Sequence" is the name that old and new releases of `datasets` both load.
    else if (column.kind === 'messages') {
      const text = { dtype: 'string', _type: 'Value' };
      features[name] = [{ role: text, content: text }];
    } else if (element) features[name] = { feature: { dtype: element, _type: 'Value' }, _type: 'Sequence' };
    else features[name] = { dtype: column.kind, _type: 'Value' };
  }
  return JSON.stringify({ info: { features } });
}
