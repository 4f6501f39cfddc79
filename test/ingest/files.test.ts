import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type IngestOptions, ingest } from '../../ingest/index.ts';
import { Mapping } from '../../schemas/mapping.ts';
import { readSamples } from '../../store/index.ts';
import { encoded } from './encoded.ts';
import { emptyFolder, type Files, folderWith, lines, parquetFile, png } from './layouts.ts';

const mapping = Mapping.parse({ decides: 'text' });
const csv = 'id,question,A,B,answer\n1,どれが水に浮きますか,コルク,鉄,A\n2,蜂は何を作りますか,羊毛,蜂蜜,B\n';

async function ingested(folder: string, options: IngestOptions) {
  const result = await ingest([folder], join(await emptyFolder(), 'out'), options);
  return { ...result, table: await readSamples(result.files.samples) };
}
const ofFiles = async (files: Files, options: IngestOptions = {}) =>
  ingested(await folderWith(files), { mapping, ...options });

describe('text in an encoding', () => {
  it.each<[string, Uint8Array, string | undefined]>([
    ['UTF-8', encoded(csv, 'utf-8'), undefined],
    ['UTF-8 with a mark', encoded(csv, 'utf-8', true), undefined],
    ['UTF-16 with a mark', encoded(csv, 'utf-16le', true), undefined],
    ['UTF-16 of the other order with a mark', encoded(csv, 'utf-16be', true), undefined],
    ['UTF-16 by declaration', encoded(csv, 'utf-16le'), 'utf-16le'],
    ['cp932 by declaration', encoded(csv, 'shift_jis'), 'cp932'],
    ['Shift_JIS by declaration', encoded(csv, 'shift_jis'), 'Shift_JIS'],
    ['EUC-JP by declaration', encoded(csv, 'euc-jp'), 'EUC-JP'],
    ['a mark before a declaration', encoded(csv, 'utf-8', true), 'cp932'],
    ["Excel's separator", encoded(`sep=;\r\n${csv.replaceAll(',', ';')}`, 'utf-8', true), undefined],
  ])('is read: %s', async (_, content, encoding) => {
    const { table } = await ofFiles({ 'a.csv': content }, encoding === undefined ? {} : { encoding });
    expect(table.map(({ options, answer }) => options[answer!])).toEqual(['コルク', '蜂蜜']);
  });

  it.each<[string, Uint8Array, string | undefined, RegExp]>([
    [
      'cp932',
      encoded(csv, 'shift_jis'),
      undefined,
      /a\.csv: cannot be read .*--encoding cp932 \(it would read "/,
    ],
    ['EUC-JP', encoded(csv, 'euc-jp'), undefined, /--encoding euc-jp \(it would read "/],
    ['UTF-16 without a mark', encoded(csv, 'utf-16le'), undefined, /zero bytes.*--encoding utf-16le/],
    ['ISO-2022-JP', Buffer.from('id,question\n1,\x1b$B$I$l\x1b(B\n'), undefined, /--encoding iso-2022-jp/],
    [
      'UTF-8 under another name',
      encoded(csv, 'utf-8'),
      'cp932',
      /is UTF-8 text, though --encoding says shift_jis/,
    ],
    ['an unknown name', encoded(csv, 'utf-8'), 'klingon', /--encoding: "klingon" is not known/],
    [
      'a pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
      undefined,
      /git lfs pull/,
    ],
  ])('is refused with advice: %s', async (_, content, encoding, why) => {
    await expect(ofFiles({ 'a.csv': content }, encoding === undefined ? {} : { encoding })).rejects.toThrow(
      why,
    );
  });
});

describe('a picture is found', () => {
  const asked = { question: 'q', options: ['x', 'y'], answer: 'A' };
  const both = Mapping.parse({ decides: 'both' });
  /** The picture that a row of data/a.jsonl gets, or why it gets none; another row has one of its own. */
  async function found(image: string, pictures: Files): Promise<Uint8Array | string> {
    const rows = [
      { ...asked, image },
      { ...asked, question: 'own', image: 'own.png' },
    ];
    const own = { 'data/own.png': png(9), 'pics/notes.txt': 'of the pictures' };
    const folder = await folderWith({ 'data/a.jsonl': lines(rows), ...own, ...pictures });
    const { firstRejected, table } = await ingested(join(folder, 'data/a.jsonl'), {
      mapping: both,
      images: join(folder, 'pics'),
    });
    return firstRejected?.why ?? (table[0]!.image!.bytes as Uint8Array);
  }
  const composed = '\u304c.png';
  it.each<[string, string, Files]>([
    ['by the name of an absolute path', '/home/x/a.png', { 'pics/a.png': png(1) }],
    ['in a folder below', '/home/x/a.png', { 'pics/deep/er/a.png': png(1) }],
    ['by a path of Windows', 'C:\\Users\\x\\a.png', { 'pics/a.png': png(1) }],
    ['by a path with slashes and a drive', 'D:/x/a.png', { 'pics/a.png': png(1) }],
    ['by a share', '\\\\nas\\share\\a.png', { 'pics/a.png': png(1) }],
    ['by an address of a file', 'file:///home/x/a%20b.png', { 'pics/a b.png': png(1) }],
    ['by as much of the end as fits', '/d/1/a.png', { 'pics/1/a.png': png(1), 'pics/2/a.png': png(2) }],
    ['by a relative path from elsewhere', 'set/x/a.png', { 'pics/y/a.png': png(1) }],
    ['in the composed form of Unicode', composed.normalize('NFD'), { [`pics/${composed}`]: png(1) }],
    ['in the other form of Unicode', composed, { [`pics/${composed.normalize('NFD')}`]: png(1) }],
    ['beside the table in another form', composed, { [`data/${composed.normalize('NFD')}`]: png(1) }],
  ])('%s', async (_, image, pictures) => {
    expect(await found(image, pictures)).toEqual(png(1));
  });

  it.each<[string, string, Files, RegExp]>([
    [
      'capital letters',
      'a.png',
      { 'pics/A.PNG': png(1) },
      /there is "A\.PNG", which differs from "a\.png" in capital/,
    ],
    [
      'the ending',
      'a.jpg',
      { 'pics/a.png': png(1) },
      /there is "a\.png", which differs from "a\.jpg" in the ending/,
    ],
    ['a space', 'a b.png', { 'pics/a\u00a0b.png': png(1) }, /"a\\u00a0b\.png".* in spaces/],
    [
      'two of one name',
      '/d/a.png',
      { 'pics/1/a.png': png(1), 'pics/2/a.png': png(2) },
      /several files below --images/,
    ],
    ['none', '/d/a.png', { 'pics/b.png': png(1) }, /nor one of that name below .*pics/],
    [
      'a pointer',
      'a.png',
      { 'pics/a.png': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' },
      /git lfs pull/,
    ],
  ])('or the reject says what differs: %s', async (_, image, pictures, why) => {
    expect(await found(image, pictures)).toMatch(why);
  });
});

describe('a word for nothing is an answer where an option is called so', () => {
  /** The right option of each row; null: it has no answer; "reject": it is none. */
  async function right(file: string, content: string) {
    const { rejected, table } = await ofFiles({ [file]: content });
    return [
      ...table.map(({ answer, options }) => (answer === null ? null : options[answer])),
      ...Array(rejected).fill('reject'),
    ];
  }
  const row = (question: string, options: unknown, answer: unknown) => ({ question, options, answer });
  it.each<[string, string, string, unknown[]]>([
    ...['NaN', 'nan', 'None', 'null', 'NA', 'N/A', 'nil', 'undefined', 'NULL'].map(
      (word): [string, string, string, unknown[]] => [
        `${word} in a list`,
        'a.jsonl',
        lines([row('0/0?', ['0', word, 'Infinity'], word), row('1/0?', ['0', word, 'Infinity'], 'Infinity')]),
        [word, 'Infinity'],
      ],
    ),
    ['NaN in a list, by letter', 'a.jsonl', lines([row('0/0?', ['0', 'NaN'], 'B')]), ['NaN']],
    ['NaN in capitals', 'a.jsonl', lines([row('0/0?', ['0', 'NAN'], 'NaN')]), ['NAN']],
    ['NaN by label', 'a.jsonl', lines([row('0/0?', { A: '0', B: 'NaN', C: '1' }, 'B')]), ['NaN']],
    ['NaN by separator', 'a.csv', 'question,options,answer\n0/0?,0|NaN|1,NaN\n', ['NaN']],
    ['NaN in columns', 'a.csv', 'question,A,B,C,answer\n0/0?,0,NaN,1,NaN\n1?,0,NaN,1,C\n', ['NaN', '1']],
    ['NaN in columns, by letter', 'a.csv', 'question,A,B,C,answer\n0/0?,0,1,NaN,C\n', ['NaN']],
    [
      'but not in sets without answers, whose empty columns say the same',
      'a.csv',
      'question,A,B,C,answer\nwhy?,x,y,nan,nan\nwho?,x,y,z,nan\n',
      [null, null],
    ],
    [
      'nor where no option is called so',
      'a.csv',
      'question,A,B,answer\nwhy?,x,y,nan\nwho?,x,y,A\n',
      [null, 'x'],
    ],
    [
      'JSON null is no word',
      'a.jsonl',
      lines([row('why?', ['null', 'x'], null), row('who?', ['y', 'x'], 'x')]),
      [null, 'x'],
    ],
  ])('%s', async (_, file, content, expected) => {
    expect(await right(file, content)).toEqual(expected);
  });
});

describe('rows add up', () => {
  const row = (id: unknown, question: string) => ({ id, question, options: ['x', 'y'], answer: 'A' });
  it.each<[string, Files, object]>([
    ['ids within groups', { 'a.jsonl': lines([row(0, 'a'), row(1, 'b'), row(0, 'c')]) }, { samples: 3 }],
    [
      'rows twice, id and all',
      { 'a.jsonl': lines([row(0, 'a'), row(0, 'a'), row(1, 'b')]) },
      { samples: 2, merged: 1 },
    ],
    [
      'files twice',
      { 'a.jsonl': lines([row(0, 'a')]), 'b.jsonl': lines([row(0, 'a')]) },
      { samples: 1, merged: 1 },
    ],
    [
      'ids alike in two files',
      { 'a.jsonl': lines([row(0, 'a')]), 'b.jsonl': lines([row(0, 'b')]) },
      { samples: 2 },
    ],
    [
      'an id that is called as a place',
      { 'a.jsonl': lines([row('a.jsonl 1', 'a'), row(0, 'b'), row(0, 'c')]) },
      { samples: 3 },
    ],
    [
      'no answers',
      { 'a.jsonl': lines([{ ...row(0, 'a'), answer: null }, row(1, 'b')]) },
      { samples: 2, unlabelled: 1 },
    ],
    ['bad rows', { 'a.jsonl': `${lines([row(0, 'a')])}{\n7\n` }, { samples: 1, rejected: 2 }],
    [
      'ids beyond 2^53',
      {
        'a.jsonl': `${lines([row(1, 'a')]).replace('1', '9007199254740993')}${lines([row(1, 'b')]).replace('1', '9007199254740992')}`,
      },
      { samples: 2, notes: [] },
    ],
  ])('%s', async (_, files, expected) => {
    const result = await ofFiles(files);
    const none = { rejected: 0, merged: 0, unlabelled: 0 };
    expect(result).toMatchObject({ ...none, ...expected });
    expect(result.samples + result.rejected + result.merged).toBe(result.rows);
    expect(new Set(result.table.map(({ id }) => id)).size).toBe(result.samples);
  });

  it('a folder called key=value adds a column and replaces none; times are ISO in UTC', async () => {
    const root = await emptyFolder();
    const select =
      "SELECT 'q' AS question, ['x', 'y'] AS options, 'A' AS answer, TIMESTAMP '2026-03-01 12:00:00.5' AS source";
    await parquetFile(join(root, 'line=7/answer=B/a.parquet'), select);
    const fields = Mapping.parse({ decides: 'text', fields: ['line'] });
    const { table } = await ingested(root, { mapping: fields });
    expect(table).toMatchObject([{ answer: 0, fields: { line: '7' }, source: '2026-03-01T12:00:00.500Z' }]);
  });
});
