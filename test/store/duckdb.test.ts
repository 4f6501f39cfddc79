import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBInstance,
  DuckDBListValue,
  DuckDBStructValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSamples, writeSamplesFile } from '../../store/index.ts';
import { sample } from './data.ts';
import { testFolder } from './folder.ts';
import { tableCases, writeTables } from './tables.ts';

let duckdb: DuckDBConnection;
let paths: Record<string, string>;
const shared = mkdtempSync(join(tmpdir(), 'modality-guard-duckdb-'));
afterAll(() => rmSync(shared, { recursive: true }));
beforeAll(async () => {
  paths = await writeTables(shared);
  duckdb = await (await DuckDBInstance.create(':memory:')).connect();
});

function plain(value: DuckDBValue): unknown {
  if (value instanceof DuckDBBlobValue) return Uint8Array.from(value.bytes);
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (value instanceof DuckDBStructValue) {
    return Object.fromEntries(Object.entries(value.entries).map(([key, item]) => [key, plain(item)]));
  }
  return typeof value === 'bigint' ? Number(value) : value;
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const rows = (await duckdb.runAndReadAll(sql)).getRowObjects();
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([key, value]) => [key, plain(value)])),
  );
}

/** pyarrow's names of the types -> DuckDB's. */
const typeNames: Record<string, string> = {
  string: 'VARCHAR',
  int32: 'INTEGER',
  int64: 'BIGINT',
  bool: 'BOOLEAN',
  float: 'FLOAT',
  double: 'DOUBLE',
  binary: 'BLOB',
  'list<element: string>': 'VARCHAR[]',
  'list<element: double>': 'DOUBLE[]',
  'list<element: int32>': 'INTEGER[]',
  'struct<bytes: binary, path: string>': 'STRUCT(bytes BLOB, path VARCHAR)',
};

test.each(Object.entries(tableCases))(
  'DuckDB reads %s as it was written, lists and structs included',
  async (name, wanted) => {
    const path = paths[name];
    const types = await query(`DESCRIBE SELECT * FROM read_parquet('${path}')`);
    const expected = Object.entries(wanted.types).map(([column, type]) => [column, typeNames[type]]);
    expect(types.map((column) => [column.column_name, column.column_type])).toEqual(expected);
    expect(await query(`SELECT * FROM read_parquet('${path}')`)).toEqual(wanted.rows);
  },
);

test('DuckDB filters strings outside the basic plane: the file claims no order that is not so', async () => {
  const path = join(testFolder(), 'samples.parquet');
  // By UTF-16 unit the dog comes before the full-width letter, by byte after it.
  await writeSamplesFile(path, [sample(0, { question: '🐕' }), sample(1, { question: 'ａ' })]);
  for (const [question, id] of [
    ['🐕', 's0'],
    ['ａ', 's1'],
  ]) {
    expect(await query(`SELECT id FROM read_parquet('${path}') WHERE question = '${question}'`)).toEqual([
      { id },
    ]);
  }
  expect(await query(`SELECT id FROM read_parquet('${path}') WHERE question > 'ａ'`)).toEqual([{ id: 's0' }]);
});

test.each(['snappy', 'gzip', 'zstd', 'brotli', 'lz4_raw', 'uncompressed'])(
  'samples that DuckDB writes with %s come back',
  async (codec) => {
    const folder = testFolder();
    const samples = Array.from({ length: 3000 }, (_, i) =>
      sample(i, {
        options: Array.from({ length: 2 + (i % 3) }, (_, j) => `o${j}`),
        image: i % 3 ? sample(i % 9).image : null,
      }),
    );
    const [ours, theirs] = [join(folder, 'ours.parquet'), join(folder, 'theirs.parquet')];
    await writeSamplesFile(ours, samples);
    const options = `FORMAT parquet, COMPRESSION ${codec}, ROW_GROUP_SIZE 2048, PARQUET_VERSION V2`;
    await duckdb.run(`COPY (SELECT * FROM read_parquet('${ours}')) TO '${theirs}' (${options})`);
    expect(await readSamples(theirs)).toEqual(await readSamples(ours));
  },
);
