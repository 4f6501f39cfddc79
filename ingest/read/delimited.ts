import { Readable } from 'node:stream';
import { type CsvError, parse } from 'csv-parse';
import type { BadRow, RawRow } from '../raw.ts';
import { headOf, textOf } from './text.ts';

const headerOf = async (file: string) => (await headOf(file)).split(/\r?\n|\r/, 1)[0] ?? '';

/** Tab by the file's name, else whichever of comma, semicolon (as spreadsheets write in much of Europe) and tab the header has most of. */
async function delimiterOf(file: string): Promise<string> {
  if (/\.tsv(\.gz)?$/i.test(file)) return '\t';
  const header = (await headerOf(file)).replaceAll(/"[^"]*"/g, '');
  const count = (one: string) => header.split(one).length;
  return [',', ';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best));
}

/** Rows of a CSV or, by its name, TSV file; `columns` names them where the file has no header. */
export async function* delimitedRows(
  file: string,
  columns?: readonly string[],
): AsyncGenerator<RawRow | BadRow> {
  /** Records that do not parse, with the number of good ones before them. */
  const bad: { after: number; why: string }[] = [];
  let [good, skipped] = [0, 0];
  function* badBefore(count: number): Generator<BadRow> {
    while (bad[0] && bad[0].after <= count) {
      yield { file, row: good + skipped++, field: '', why: bad.shift()!.why };
    }
  }
  const parser = parse({
    // People write "a, b": a quoted cell may stand behind the space.
    ltrim: !columns && /[,;] /.test(await headerOf(file)),
    columns: columns ? [...columns] : (names: string[]) => names.map((name) => name.trim()),
    delimiter: columns ? ',' : await delimiterOf(file),
    // Parts from several systems may end their lines differently.
    record_delimiter: (await headOf(file)).includes('\n') ? ['\r\n', '\n'] : ['\r'],
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error: CsvError | undefined) => {
      const after = Number(error?.records ?? good);
      const open = 'a quote opens in this row and never closes: the rest of the file belongs to it';
      const why = error?.code === 'CSV_QUOTE_NOT_CLOSED' ? open : error?.message;
      bad.push({ after, why: why ?? 'the row does not parse' });
      return undefined;
    },
  });
  const source = Readable.from(textOf(file));
  source.on('error', (error) => parser.destroy(error));
  for await (const values of source.pipe(parser) as AsyncIterable<Record<string, unknown>>) {
    yield* badBefore(good);
    yield { file, row: good + skipped, values };
    good++;
  }
  yield* badBefore(Number.POSITIVE_INFINITY);
}

/** Whether the first row names these columns. */
export async function hasHeader(file: string, columns: readonly string[]): Promise<boolean> {
  const header = (await headerOf(file)).toLowerCase().split(/[,;\t]/);
  return columns.every((column) =>
    header.some((cell) => cell.replaceAll('"', '').trim() === column.toLowerCase()),
  );
}
