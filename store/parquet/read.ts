import { type FileHandle, open } from 'node:fs/promises';
import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { errno } from '../storage-errors.ts';
import { decodeText } from '../text.ts';
import { checkColumns } from './columns.ts';
import type { Row, TableSchema } from './schema.ts';
import { decodeValue } from './values.ts';

/** Rows as they lie in one row group of the file. */
export interface RowGroup<S extends TableSchema> {
  /** Number of the first row in the file, counted from 0. */
  firstRow: number;
  /** Rows in the whole file. */
  totalRows: number;
  rows: Row<S>[];
}

const parsers = { stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decodeText(bytes) };

async function openTable(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const what = errno(error) === 'ENOENT' ? 'there is no such file' : 'it cannot be opened';
    throw new GuardError(ErrorCode.BadInput, `${path}: ${what}; expected a Parquet file: check the path`, {
      cause: error,
    });
  }
}

function asyncBuffer(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(end - start);
      let done = 0;
      while (done < bytes.length) {
        const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
        if (bytesRead === 0) throw new Error(`the file ends at byte ${start + done}`);
        done += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

function damaged(path: string, where: string, cause: unknown): GuardError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new GuardError(
    ErrorCode.BadInput,
    `${path}: ${where} cannot be read as Parquet (${reason}); the file is damaged, cut short or of another ` +
      'format: write it again, for example with pyarrow, DuckDB or pandas',
    { cause },
  );
}

async function readMetadata(path: string, file: AsyncBuffer): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(file, { geoparquet: false });
  } catch (error) {
    throw damaged(path, 'the footer', error);
  }
}

/**
 * Reads a Parquet file of ours, pyarrow, DuckDB and others, a row group at a time. Columns are found by name;
 * others are ignored.
 * @throws GuardError BadInput naming file, row and field
 */
export async function* readParquetGroups<S extends TableSchema>(
  path: string,
  schema: S,
): AsyncGenerator<RowGroup<S>> {
  const handle = await openTable(path);
  try {
    const file = asyncBuffer(handle, (await handle.stat()).size);
    const metadata = await readMetadata(path, file);
    const columns = checkColumns(path, metadata, schema);
    const totalRows = Number(metadata.num_rows);
    let firstRow = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = firstRow + Number(group.num_rows);
      const options = {
        file,
        metadata,
        columns,
        compressors,
        parsers,
        utf8: false,
        geoparquet: false,
      } as const;
      let raw: Record<string, unknown>[];
      try {
        raw = await parquetReadObjects({ ...options, rowFormat: 'object', rowStart: firstRow, rowEnd });
      } catch (error) {
        throw damaged(path, `rows ${firstRow} to ${rowEnd - 1}`, error);
      }
      const rows = raw.map((cells, i) => {
        const row: Record<string, unknown> = {};
        for (const [name, column] of Object.entries(schema)) {
          row[name] = decodeValue(column, cells[name], { path, row: firstRow + i, column: name });
        }
        return row as Row<S>;
      });
      yield { firstRow, totalRows, rows };
      firstRow = rowEnd;
    }
  } finally {
    await handle.close();
  }
}

/** All rows of a Parquet file. @throws GuardError BadInput naming file, row and field */
export async function readParquet<S extends TableSchema>(path: string, schema: S): Promise<Row<S>[]> {
  const all: Row<S>[] = [];
  for await (const group of readParquetGroups(path, schema)) {
    for (const row of group.rows) all.push(row);
  }
  return all;
}
