import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
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

const quoted = (path: string) => `'${path.replaceAll("'", "''").replaceAll(/[*?[]/g, '[$&]')}'`;

/** Reads with a database of its own. `what` says, in an error, what could not be read. */
async function* reading<T>(
  file: string,
  what: () => string,
  work: (connection: DuckDBConnection) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const instance = await DuckDBInstance.create(':memory:', settings);
  const connection = await instance.connect();
  try {
    yield* work(connection);
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    const reason = (cause as Error).message.split('\n')[0];
    throw new GuardError(
      ErrorCode.BadInput,
      `${file}: ${what()} be read as Parquet (${reason}); write the file again`,
      { cause },
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/**
 * Rows of a Parquet file of any writer (pyarrow's defaults, Hugging Face datasets, Snappy, gzip, zstd), a few thousand at
 * a time however large the row groups are. @throws GuardError BadInput naming the file
 */
export async function* parquetRows(file: string): AsyncGenerator<RawRow> {
  let row = 0;
  yield* reading(
    file,
    () => `row ${row} and on cannot`,
    async function* (connection) {
      const result = await connection.stream(`SELECT * FROM read_parquet(${quoted(file)})`);
      for await (const rows of result.yieldRowObjectJs()) {
        for (const values of rows)
          yield { file, row: row++, values: plain(values) as Record<string, unknown> };
      }
    },
  );
}

/** Rows of a query about the file. @throws GuardError BadInput naming the file */
async function facts(file: string, query: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  const work = async function* (connection: DuckDBConnection) {
    yield* await (await connection.run(query)).getRowObjectsJS();
  };
  for await (const row of reading(file, () => 'cannot', work)) found.push(row as Record<string, unknown>);
  return found;
}

/** Names of the file's columns, those of structs also as "column.field". @throws GuardError BadInput naming the file */
export async function parquetColumns(file: string): Promise<string[]> {
  const columns = await facts(file, `DESCRIBE SELECT * FROM read_parquet(${quoted(file)})`);
  return columns.flatMap(({ column_name: column, column_type: type }) => {
    const inner = String(type).startsWith('STRUCT(') ? String(type).matchAll(/[(,] ?"?(\w+)"? /g) : [];
    return [String(column), ...[...inner].map(([, field]) => `${String(column)}.${field}`)];
  });
}

/** Names of the classes that Hugging Face datasets keep with the first column of numbered classes; undefined where there is none. */
export async function classNamesOf(file: string): Promise<string[] | undefined> {
  if (!/\.parquet$/i.test(file)) return undefined;
  const query = `SELECT decode(value) AS value FROM parquet_kv_metadata(${quoted(file)}) WHERE decode(key) = 'huggingface'`;
  for (const { value } of await facts(file, query)) {
    const names = classNamesIn(value);
    if (names) return names;
  }
  return undefined;
}

function classNamesIn(json: unknown): string[] | undefined {
  try {
    const { info } = JSON.parse(String(json)) as {
      info?: { features?: Record<string, { names?: unknown }> };
    };
    const lists = Object.values(info?.features ?? {}).map((feature) => feature?.names);
    return lists.find(
      (names): names is string[] => Array.isArray(names) && names.every((name) => typeof name === 'string'),
    );
  } catch {
    return undefined;
  }
}
