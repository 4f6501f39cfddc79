import { DuckDBInstance } from '@duckdb/node-api';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { RawRow } from '../raw.ts';

/** A file of one row group of a million rows, pyarrow's default, is read in pieces all the same. */
const settings = { memory_limit: '512MB', threads: '2', preserve_insertion_order: 'true' };

/** What JavaScript has a number for becomes one: whole numbers up to 2^53, nested ones too. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array || value instanceof Date || value === null) return value;
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}

const quoted = (path: string) => `'${path.replaceAll("'", "''")}'`;

/**
 * Rows of a Parquet file of any writer (pyarrow's defaults, Hugging Face datasets, Snappy, gzip, zstd), a few thousand at
 * a time however large the row groups are. @throws GuardError BadInput naming the file
 */
export async function* parquetRows(file: string): AsyncGenerator<RawRow> {
  const instance = await DuckDBInstance.create(':memory:', settings);
  const connection = await instance.connect();
  let row = 0;
  try {
    const result = await connection.stream(`SELECT * FROM read_parquet(${quoted(file)})`);
    for await (const rows of result.yieldRowObjectJs()) {
      for (const values of rows) yield { file, row: row++, values: plain(values) as Record<string, unknown> };
    }
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    const reason = (cause as Error).message.split('\n')[0];
    throw new GuardError(
      ErrorCode.BadInput,
      `${file}: row ${row} and on cannot be read as Parquet (${reason}); write the file again`,
      { cause },
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Names of the file's columns. @throws GuardError BadInput naming the file */
export async function parquetColumns(file: string): Promise<string[]> {
  const instance = await DuckDBInstance.create(':memory:', settings);
  const connection = await instance.connect();
  try {
    const result = await connection.run(`SELECT * FROM read_parquet(${quoted(file)}) LIMIT 0`);
    return result.columnNames();
  } catch (cause) {
    const reason = (cause as Error).message.split('\n')[0];
    throw new GuardError(
      ErrorCode.BadInput,
      `${file}: cannot be read as Parquet (${reason}); write the file again`,
      { cause },
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
