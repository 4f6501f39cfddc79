import parquet, { type FieldDefinition, type OutputStream } from 'parquetjs-lite';
import type { EncodedImage } from '../../schemas/benchmark.ts';
import type { Write } from '../atomic.ts';
import {
  type Column,
  type ColumnKind,
  elementKind,
  huggingFaceFeatures,
  type Row,
  type TableSchema,
} from './schema.ts';
import { Shredder } from './shred.ts';

const physicalTypes: Partial<Record<ColumnKind, string>> = {
  string: 'UTF8',
  bool: 'BOOLEAN',
  int32: 'INT32',
  int64: 'INT64',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  binary: 'BYTE_ARRAY',
};

/** A row group ends at whichever comes first; a reader holds one at a time. */
const groupRows = 4096;
const groupBytes = 16 * 1024 * 1024;

/**
 * One leaf. Snappy in JavaScript gives the same bytes on every machine, which zlib does not promise. No statistics:
 * the library orders strings by UTF-16 unit where the format says by byte, so a reader might skip rows wrongly.
 */
function leaf(kind: ColumnKind): FieldDefinition {
  const compression = kind === 'binary' ? 'UNCOMPRESSED' : 'SNAPPY';
  return { type: physicalTypes[kind], optional: true, compression, statistics: false };
}

/** Every field is nullable in the file, as other writers have it, so that tables of several writers go together. */
function field({ kind }: Column): FieldDefinition {
  const element = elementKind(kind);
  if (element) {
    return {
      type: 'LIST',
      optional: true,
      fields: { list: { repeated: true, fields: { element: leaf(element) } } },
    };
  }
  if (kind === 'messages') {
    const message = { optional: true, fields: { role: leaf('string'), content: leaf('string') } };
    return {
      type: 'LIST',
      optional: true,
      fields: { list: { repeated: true, fields: { element: message } } },
    };
  }
  if (kind === 'image') return { optional: true, fields: { bytes: leaf('binary'), path: leaf('string') } };
  return leaf(kind);
}

/** Has no UTF-8 form: it would come back as another string. */
const loneSurrogate = /\p{Surrogate}/u;

function isScalar(kind: ColumnKind, value: unknown): boolean {
  switch (kind) {
    case 'string':
      return typeof value === 'string' && !loneSurrogate.test(value);
    case 'bool':
      return typeof value === 'boolean';
    case 'int32':
      return typeof value === 'number' && (value | 0) === value;
    case 'int64':
      return Number.isSafeInteger(value);
    case 'float32':
    case 'float64':
      return Number.isFinite(value);
    case 'binary':
      return value instanceof Uint8Array;
    default:
      return false;
  }
}

/** Turns a value into the library's form; `undefined` if it is not of the column's type. */
function encode(column: Column, value: unknown): { value: unknown; bytes: number } | undefined {
  if (value === null) return column.nullable ? { value: null, bytes: 0 } : undefined;
  const element = elementKind(column.kind);
  if (element) {
    if (!Array.isArray(value) || !value.every((item) => isScalar(element, item))) return undefined;
    return { value: { list: value.map((item) => ({ element: item })) }, bytes: 16 * value.length };
  }
  if (column.kind === 'messages') {
    const messages = value as { role: string; content: string }[];
    if (!messages.every(({ content, role }) => isScalar('string', role) && isScalar('string', content))) {
      return undefined;
    }
    const bytes = messages.reduce((sum, { content }) => sum + content.length, 0);
    return { value: { list: messages.map((message) => ({ element: message })) }, bytes };
  }
  if (column.kind === 'image') {
    const image = value as EncodedImage;
    if (!(image.bytes instanceof Uint8Array)) return undefined;
    if (image.path !== null && !isScalar('string', image.path)) return undefined;
    return { value: image, bytes: image.bytes.byteLength };
  }
  if (!isScalar(column.kind, value)) return undefined;
  const sized = value as { length?: number };
  return { value, bytes: sized.length ?? 8 };
}

/** The library does not await every write: keep them in order, and keep the first error until it is asked for. */
class OrderedOutput implements OutputStream {
  private tail: Promise<void> = Promise.resolve();
  private failure: { error: unknown } | undefined;
  private readonly sink: Write;

  constructor(sink: Write) {
    this.sink = sink;
  }

  write(bytes: Uint8Array, done: () => void): void {
    this.tail = this.tail
      .then(() => (this.failure ? undefined : this.sink(bytes)))
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .then(done);
  }

  end(done: () => void): void {
    this.tail.then(done);
  }

  async settle(): Promise<void> {
    await this.tail;
    if (this.failure) throw this.failure.error;
  }
}

/**
 * Writes a table as Parquet: lists as LIST (3 levels), images as struct<bytes, path>, data pages v1, Snappy.
 * The same rows give the same bytes on every machine.
 * @returns the number of rows
 * @throws TypeError naming row and column for a value that is not of the column's type
 */
export async function writeParquet<S extends TableSchema>(
  schema: S,
  rows: Iterable<Row<S>> | AsyncIterable<Row<S>>,
  sink: Write,
): Promise<number> {
  const columns = Object.entries(schema);
  const definition = Object.fromEntries(columns.map(([name, column]) => [name, field(column)]));
  const output = new OrderedOutput(sink);
  const options = { useDataPageV2: false, pageIndex: false };
  const shape = new parquet.ParquetSchema(definition);
  const shredder = new Shredder(shape);
  const writer = await parquet.ParquetWriter.openStream(shape, output, options);
  writer.setMetadata('huggingface', huggingFaceFeatures(schema));
  let count = 0;
  let pending = 0;
  for await (const row of rows) {
    const encoded: Record<string, unknown> = {};
    for (const [name, column] of columns) {
      const cell = encode(column, row[name] as unknown);
      if (!cell)
        throw new TypeError(`row ${count}, column "${name}": the value is not of type ${column.kind}`);
      encoded[name] = cell.value;
      pending += cell.bytes;
    }
    count++;
    if (pending < groupBytes && (writer.rowBuffer.rowCount ?? 0) < groupRows - 1) {
      shredder.add(encoded, writer.rowBuffer);
      continue;
    }
    // The library closes a group with the row that it is handed itself, where there are as many rows.
    writer.setRowGroupSize(1);
    await writer.appendRow(encoded);
    if (pending >= groupBytes) pending = 0;
    await output.settle();
  }
  await writer.close();
  await output.settle();
  return count;
}
