import { writeAtomically } from './atomic.ts';
import { type ColumnKind, elementKind, type Row, type TableSchema } from './parquet/schema.ts';

/** What a spreadsheet would take for a formula; the quotation mark makes it text. */
const formula = /^[=+\-@\t\r]/;

function cell(kind: ColumnKind, value: unknown): string {
  if (value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = elementKind(kind) ? JSON.stringify(value) : String(value);
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Writes rows as CSV (RFC 4180, UTF-8, numbers with all their digits), atomically. Null is an empty cell, a list is JSON. */
export async function writeCsvFile<S extends TableSchema>(
  path: string,
  schema: S,
  rows: Iterable<Row<S>> | AsyncIterable<Row<S>>,
): Promise<void> {
  const columns = Object.entries(schema);
  await writeAtomically(path, async (write) => {
    const line = (cells: readonly string[]) => write(Buffer.from(`${cells.join(',')}\r\n`));
    await line(columns.map(([name]) => name));
    for await (const row of rows)
      await line(columns.map(([name, { kind }]) => cell(kind, row[name] as unknown)));
  });
}
