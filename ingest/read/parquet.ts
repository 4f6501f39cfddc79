import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import { isPointer, pointerAdvice } from '../../store/index.ts';
import type { RawRow } from '../raw.ts';
import { arrowFeatures } from './arrow.ts';
import { startOf } from './files.ts';
import { plainValue } from './parquet-values.ts';

/** A file of one row group of a million rows, pyarrow's default, is read in pieces all the same. */
const settings = { memory_limit: '512MB', threads: '2', preserve_insertion_order: 'true' };

const quoted = (path: string) => `'${path.replaceAll("'", "''").replaceAll(/[*?[]/g, '[$&]')}'`;

/** Folders called key=value are read elsewhere: here they would replace the file's own columns. */
const table = (file: string) => `read_parquet(${quoted(file)}, hive_partitioning = false)`;

/** Reads with a database of its own. `what` says, in an error, what could not be read. */
async function* reading<T>(
  file: string,
  what: () => string,
  work: (connection: DuckDBConnection) => AsyncIterable<T>,
): AsyncGenerator<T> {
  if (isPointer(await startOf(file))) throw new GuardError(ErrorCode.BadInput, `${file}: ${pointerAdvice}`);
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
 * a time however large the row groups are. `pictures: false` leaves out columns of bytes. @throws GuardError BadInput naming the file
 */
export async function* parquetRows(file: string, { pictures = true } = {}): AsyncGenerator<RawRow> {
  const columns = pictures ? '*' : await columnsWithoutBytes(file);
  let row = 0;
  yield* reading(
    file,
    () => `row ${row} and on cannot`,
    async function* (connection) {
      const result = await connection.stream(`SELECT ${columns} FROM ${table(file)}`);
      for await (const rows of result.yieldConvertedRowObjects(plainValue)) {
        for (const values of rows) yield { file, row: row++, values };
      }
    },
  );
}

const inQuotes = (name: unknown) => `"${String(name).replaceAll('"', '""')}"`;

async function columnsWithoutBytes(file: string): Promise<string> {
  const columns = await facts(file, `DESCRIBE SELECT * FROM ${table(file)}`);
  const kept = columns.filter(({ column_type: type }) => !String(type).includes('BLOB'));
  return kept.map(({ column_name: name }) => inQuotes(name)).join(', ') || 'NULL AS nothing';
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
  const columns = await facts(file, `DESCRIBE SELECT * FROM ${table(file)}`);
  await checkUnique(file, columns);
  return columns.flatMap(({ column_name: column, column_type: type }) => {
    const inner = String(type).startsWith('STRUCT(') ? String(type).matchAll(/[(,] ?"?(\w+)"? /g) : [];
    return [String(column), ...[...inner].map(([, field]) => `${String(column)}.${field}`)];
  });
}

/** @throws GuardError BadInput where the reader had to rename a column, as two have one name but for capital letters */
async function checkUnique(file: string, columns: readonly Record<string, unknown>[]): Promise<void> {
  const written = await facts(file, `SELECT name FROM parquet_schema(${quoted(file)})`);
  const names = new Set(written.map(({ name }) => String(name)));
  const renamed = columns.map(({ column_name: name }) => String(name)).find((name) => !names.has(name));
  if (renamed === undefined) return;
  const name = renamed.replace(/_\d+$/, '');
  const message = `${file}: there is more than one column "${name}", capital letters aside; rename or remove one`;
  throw new GuardError(ErrorCode.BadInput, message);
}

/** Names of the classes that Hugging Face datasets keep with the first column of numbered classes; undefined where there is none. */
export async function classNamesOf(file: string): Promise<string[] | undefined> {
  if (/\.arrow$/i.test(file)) return classNamesIn(await arrowFeatures(file));
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
