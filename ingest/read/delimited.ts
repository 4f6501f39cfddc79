import { ErrorCode, GuardError } from '../../schemas/errors.ts';
import type { BadRow, RawRow } from '../raw.ts';
import type { Dialect } from './cells.ts';
import { type Found, RecordReader } from './records.ts';
import { headOf, linesOf } from './text.ts';

/** What Excel reads as the delimiter, on a line before the header. */
const separatorLine = /^"?sep=(.)"?$/i;

interface Form extends Dialect {
  /** Ends of lines; parts from several systems may end theirs differently. */
  end: '\n' | '\r';
  /** Lines before the header. */
  skipped: number;
  header: string;
}

/** Tab by the file's name, else whichever of comma, semicolon (as spreadsheets write in much of Europe), tab and bar the header has most of. */
function delimiterOf(file: string, header: string): string {
  if (/\.tsv(\.gz)?$/i.test(file)) return '\t';
  const bare = header.replaceAll(/"[^"]*"/g, '');
  const count = (one: string) => bare.split(one).length;
  return [',', ';', '\t', '|'].reduce((best, one) => (count(one) > count(best) ? one : best));
}

async function formOf(file: string, encoding: string | undefined): Promise<Form> {
  const head = await headOf(file, encoding);
  const lines = head.split(/\r?\n|\r/);
  const declared = separatorLine.exec(lines[0] ?? '')?.[1];
  const from = declared ? 1 : 0;
  const header = lines.slice(from).find((line) => line.trim() !== '') ?? '';
  const delimiter = declared ?? delimiterOf(file, header);
  const trimmed = /[,;] /.test(header);
  return { delimiter, trimmed, end: head.includes('\n') ? '\n' : '\r', skipped: from, header };
}

/** @throws GuardError BadInput where a column is there twice, or the header is not closed */
function columnsIn(file: string, record: Found): string[] {
  const fail = (what: string) => new GuardError(ErrorCode.BadInput, `${file}: ${what}`);
  if ('why' in record) throw fail(`the header cannot be read: ${record.why}`);
  const names = record.cells.map((name) => name.trim());
  const twice = names.filter((name, i) => name !== '' && names.indexOf(name) !== i);
  if (twice.length > 0) {
    const shown = [...new Set(twice)].map((name) => `"${name}"`).join(', ');
    throw fail(`the header names the column ${shown} more than once; rename or remove one`);
  }
  return names.map((name, i) => (name === '' && names.indexOf('') !== i ? `column ${i + 1}` : name));
}

/**
 * Rows of a CSV or, by its name, TSV file; `columns` names them where the file has no header.
 * @throws GuardError BadInput where it is no text, or the header names a column twice
 */
export async function* delimitedRows(
  file: string,
  columns?: readonly string[],
  encoding?: string,
): AsyncGenerator<RawRow | BadRow> {
  const form = await formOf(file, encoding);
  const dialect = columns ? { delimiter: ',', trimmed: false } : form;
  const reader = new RecordReader(linesOf(file, encoding, form.end), dialect);
  try {
    for (let i = 0; i < form.skipped; i++) await reader.read();
    let names = columns;
    if (!names) {
      const header = await reader.read();
      if (!header) return;
      names = columnsIn(file, header);
    }
    for (let row = 0; ; row++) {
      const record = await reader.read(names.length);
      if (!record) return;
      if ('why' in record) yield { file, row, field: '', why: record.why };
      else yield { file, row, values: Object.fromEntries(names.map((name, i) => [name, record.cells[i]])) };
    }
  } finally {
    await reader.close();
  }
}

/** Whether the first row names these columns. */
export async function hasHeader(
  file: string,
  columns: readonly string[],
  encoding?: string,
): Promise<boolean> {
  const header = (await formOf(file, encoding)).header.toLowerCase().split(/[,;\t|]/);
  return columns.every((column) =>
    header.some((cell) => cell.replaceAll('"', '').trim() === column.toLowerCase()),
  );
}
