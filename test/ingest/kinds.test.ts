import { describe, expect, it } from 'vitest';
import { AnswerColumn, answerPlace } from '../../ingest/formats/answers.ts';
import { askedWithOptions, listedOptions } from '../../ingest/formats/options.ts';
import { checkOnePicture, unmarked } from '../../ingest/formats/pictures.ts';
import { partitionsOf } from '../../ingest/partitions.ts';
import { repairedText } from '../../ingest/read/numbers.ts';
import { RecordReader } from '../../ingest/read/records.ts';
import { png } from './layouts.ts';

/** Records of a text; of one that does not parse, "bad". */
async function records(text: string, width: number, delimiter = ','): Promise<(string[] | 'bad')[]> {
  async function* lines() {
    yield* text.split('\n');
  }
  const reader = new RecordReader(lines(), { delimiter, trimmed: false });
  const found: (string[] | 'bad')[] = [];
  for (;;) {
    const one = await reader.read(width);
    if (!one) return found;
    found.push('why' in one ? 'bad' : one.cells);
  }
}

describe('a quote costs its row alone', () => {
  const good = ['9', 'q', 'x'];
  it.each<[string, string, (string[] | 'bad')[]]>([
    ['that never closes, at the start', '"1,a,b\n9,q,x', ['bad', good]],
    ['that never closes, in the last row', '9,q,x\n1,"a,b', [good, 'bad']],
    ['that never closes, and another one', '1,"a,b\n9,q,x\n2,"c,d\n9,q,x', ['bad', good, 'bad', good]],
    ['that would close in another row', '1,"a,b\n9,"q",x', ['bad', good]],
    ['that would close before a delimiter', '1,"a,b\n9,q,", x"', ['bad', ['9', 'q', ', x']]],
    [
      'that would end a cell far below',
      '1,"a,b\n9,q,x\n9,q,x\n2,c",d',
      ['bad', good, good, ['2', 'c"', 'd']],
    ],
    ['that closes in mid-cell', '1,"a" b,c\n9,q,x', ['bad', good]],
    ['inside a cell', '1,5" pipe,c\n9,q,x', [['1', '5" pipe', 'c'], good]],
    ['written twice', '1,"a ""b"" c",d\n9,q,x', [['1', 'a "b" c', 'd'], good]],
    ['around lines', '1,"a\nb, c",d\n9,q,x', [['1', 'a\nb, c', 'd'], good]],
    ['around lines with empty ones', '1,"a\n\nb",d\n9,q,x', [['1', 'a\n\nb', 'd'], good]],
    ['around lines that end in a carriage return', '1,"a\r\nb",d\r\n9,q,x', [['1', 'a\r\nb', 'd'], good]],
    ['before spaces and a delimiter', '1,"a" ,d\n9,q,x', [['1', 'a', 'd'], good]],
    ['with cells too many and empty', '1,a,b,,\n9,q,x', [['1', 'a', 'b'], good]],
    ['with a cell too few', '1,"a"\n9,q,x', ['bad', good]],
    [
      'around a table of as many columns',
      '1,"Look at the table:\na,b,c\nd,e,f\nwhich?",x\n9,q,x',
      [['1', 'Look at the table:\na,b,c\nd,e,f\nwhich?', 'x'], good],
    ],
    [
      'around a table alone, in the last column',
      '1,A,"a,b,c\n1,2,3\n4,5,6"\n9,q,x',
      [['1', 'A', 'a,b,c\n1,2,3\n4,5,6'], good],
    ],
    [
      'around a table alone, in the first column',
      '"a,b,c\n1,2,3\n4,5,6",A,x\n9,q,x',
      [['a,b,c\n1,2,3\n4,5,6', 'A', 'x'], good],
    ],
    [
      'around numbers in the last column',
      '1,A,"Look:\n1,2,3\n4,5,6"\n9,q,x',
      [['1', 'A', 'Look:\n1,2,3\n4,5,6'], good],
    ],
    [
      'around numbers beside an answer that is one',
      '1,0,"Look:\n1,2,3\n4,5,6\n7,8,9"\n9,q,x',
      [['1', '0', 'Look:\n1,2,3\n4,5,6\n7,8,9'], good],
    ],
    [
      'around two lines with tight commas',
      '1,"Look here,now\nand there,too",A\n9,q,x',
      [['1', 'Look here,now\nand there,too', 'A'], good],
    ],
    [
      'around lines of code',
      '1,"What does it print?\nprint(a,b,c)\nprint(1,2,3)\n",x\n9,q,x',
      [['1', 'What does it print?\nprint(a,b,c)\nprint(1,2,3)\n', 'x'], good],
    ],
    [
      'around a table with quotes in it',
      '1,"T:\na,""b"",c\nd,e,f\nwhich?",x\n9,q,x',
      [['1', 'T:\na,"b",c\nd,e,f\nwhich?', 'x'], good],
    ],
    [
      'that opens in a text and closes in another below',
      '1,"yes he said,A\n9,why,B\n9,who,C\n2,no she said",D\n9,q,x',
      ['bad', ['9', 'why', 'B'], ['9', 'who', 'C'], ['2', 'no she said"', 'D'], good],
    ],
    [
      'that opens before delimiters and closes below',
      '1,"one,two, and three,A\n9,why,B\n2,five",D\n9,q,x',
      ['bad', ['9', 'why', 'B'], ['2', 'five"', 'D'], good],
    ],
    ['escaped by a backslash', '1,"a \\"b\\" c",d\n9,q,x', ['bad', good]],
  ])('%s', async (_, text, expected) => {
    expect(await records(text, 3)).toEqual(expected);
  });

  it('and none in TSV without quoting', async () => {
    expect(await records('1\t"a\tb\n2\t"c" d\te\n3\t"f\ng"\th', 3, '\t')).toEqual([
      ['1', '"a', 'b'],
      ['2', '"c" d', 'e'],
      ['3', 'f\ng', 'h'],
    ]);
  });
});

describe('answers are read as their column says', () => {
  const four = ['w', 'x', 'y', 'z'];
  const digits = ['2', '3', '4', '5'];
  type Row = [unknown, string[]];
  const all = (answers: unknown[], options = four): Row[] => answers.map((answer) => [answer, options]);
  /** Texts of the right options; "reject" where there is none. */
  const read = (rows: Row[], more: object = {}) => {
    const column = new AnswerColumn();
    for (const [answer, options] of rows) column.add(answer, { options, ...more });
    const rule = column.decide();
    return rows.map(([answer, options]) => {
      try {
        const place = answerPlace(answer, { options, ...more }, undefined, rule);
        return place === null ? null : options[place];
      } catch {
        return 'reject';
      }
    });
  };
  it.each<[string, Row[], object, unknown[]]>([
    ['1 to 4', all(['1', '2', '3', '4']), {}, four],
    ['1 to 4 as numbers', all([4, 1]), {}, ['z', 'w']],
    ['1.0 to 4.0 of a data frame', all(['4.0', '1.0']), {}, ['z', 'w']],
    ['0 to 3', all(['0', '3']), {}, ['w', 'z']],
    ['0 and one beyond', all(['0', '1', '4']), {}, ['w', 'x', 'reject']],
    [
      'a few zeros among many from 1',
      all([...Array(30).fill('4'), '0', '1']),
      {},
      [...Array(30).fill('z'), 'reject', 'w'],
    ],
    [
      '1 and 2 of option1 and option2',
      all(['1', '1'], ['a', 'b']),
      { labels: ['option1', 'option2'], numbers: [1, 2] },
      ['a', 'a'],
    ],
    [
      '0 and 1 of option1 and option2',
      all(['0', '1'], ['a', 'b']),
      { labels: ['option1', 'option2'], numbers: [1, 2] },
      ['a', 'b'],
    ],
    [
      'places beside an option of the same digit',
      [...all(['4', '1', '2']), ['3', digits]],
      {},
      ['z', 'w', 'x', '4'],
    ],
    ['texts that are digits', all(['2', '5', '3'], digits), {}, ['2', '5', '3']],
    ['letters', all(['A', '(d)', 'B.']), {}, ['w', 'z', 'x']],
    [
      'letters with a number that may count from either',
      all(['A', 'B', 'C', '2']),
      {},
      ['w', 'x', 'y', 'reject'],
    ],
    ['texts in other case', all(['W', 'z']), {}, ['w', 'z']],
    ['-1 alone: withheld', all([-1, -1]), {}, [null, null]],
    [
      'numbers as labels out of order',
      all(['4', '2'], ['a', 'b']),
      { labels: ['4', '2'], numbers: [4, 2] },
      ['a', 'b'],
    ],
    ['in full width', all(['４', '１']), {}, ['z', 'w']],
  ])('%s', (_, rows, more, expected) => {
    expect(read(rows, more)).toEqual(expected);
  });
});

describe('options in a text', () => {
  it.each([
    ['Which?\n(A) red (B) blue', 'Which?', ['red', 'blue']],
    ['Which? (a thing) (A) red (B) blue', 'Which? (a thing)', ['red', 'blue']],
    ['Which?\nA. red\nB. blue\nAnswer with the letter.', 'Which?', ['red', 'blue']],
    ['Which?\nA) red\nB) blue', 'Which?', ['red', 'blue']],
    ['Which?\nOptions: A. red B. blue C. green', 'Which?', ['red', 'blue', 'green']],
    ['Question: Which?\nOptions:\nA: red\nB: blue', 'Which?', ['red', 'blue']],
    ['Which? (1) red (2) blue', 'Which?', ['red', 'blue']],
    ['どれ？\n（A）赤 （B）青', 'どれ？', ['赤', '青']],
    [
      'Which? (A) red (B) blue\nHint: look twice.\nPlease answer by a letter.',
      'Which?\nHint: look twice.',
      ['red', 'blue'],
    ],
    ['Choices: (A) red (B) dark blue (C) x, y', '', ['red', 'dark blue', 'x, y']],
  ])('%s', (text, question, options) => {
    const found = askedWithOptions(text);
    expect(found?.choices.map((one) => one.text)).toEqual(options);
    expect(found?.before).toBe(question);
  });

  it.each([['What did A. Smith and B. Jones say?'], ['Is (A) right?'], ['1.5 or 2.5?'], ['(A) (B)']])(
    'not: %s',
    (text) => {
      expect(listedOptions(text)).toBeUndefined();
    },
  );
});

describe('a second picture is never dropped unsaid', () => {
  const [one, two] = [png(1), png(2)];
  const struct = (bytes: Uint8Array, path: string | null = null) => ({ bytes, path });
  it.each<[string, Record<string, unknown>, unknown, RegExp | undefined]>([
    [
      'numbered columns of structs',
      { image_1: struct(one), image_2: struct(two) },
      one,
      /2 pictures \(image_1, image_2\)/,
    ],
    ['numbered columns of paths', { image1: 'a.png', image2: 'b.png' }, 'a.png', /2 pictures/],
    ['numbered columns of names without endings', { img_a: '17', img_b: '18' }, '17', /2 pictures/],
    ['columns of other names', { before: 'a.png', after: 'b.jpg' }, 'a.png', /2 pictures \(before, after\)/],
    ['bytes in another column', { image: struct(one), overlay: two }, one, /2 pictures/],
    [
      'base64',
      { image: struct(one), mask: Buffer.from(two).toString('base64').padEnd(80, 'A') },
      one,
      /2 pictures/,
    ],
    ['a list', { image: struct(one), images: [struct(one), struct(two)] }, one, /2 pictures/],
    [
      'a picture that no column is read as',
      { question: 'q', screenshot: struct(one) },
      null,
      /"screenshot" holds one/,
    ],
    [
      'numbered columns, the first empty',
      { image_1: null, image_2: struct(two) },
      null,
      /"image_2" holds one/,
    ],
    ['the same one twice', { image: struct(one), copy: one }, one, undefined],
    ['its bytes and its path', { image: struct(one, 'image.png'), file_name: 'x/7.png' }, one, undefined],
    ['its path with and without folders', { image: 'x/a.png', file: 'a.jpg' }, 'x/a.png', undefined],
    ['an address beside it', { image: 'a.png', url: 'https://example.com/b.png' }, 'a.png', undefined],
    [
      'an empty second column',
      { image_1: struct(one), image_2: struct(new Uint8Array(), null) },
      one,
      undefined,
    ],
  ])('%s', (_, values, read, why) => {
    const check = () => checkOnePicture(values, read, []);
    if (why) expect(check).toThrow(why);
    else expect(check).not.toThrow();
    expect(() => checkOnePicture(values, read ?? one, Object.keys(values))).not.toThrow();
  });

  it.each([
    ['<image>\nWhat?', 'What?'],
    ['What does <image 1> show? See <image 1>.', 'What does show? See .'],
    ['<|image_1|>What?', 'What?'],
    ['a < b, image > c', 'a < b, image > c'],
  ])('marks: %s', (text, plain) => {
    expect(unmarked('question', text)).toBe(plain);
  });

  it.each(['<image 1> or <image 2>?', '<image>\n<image>\nCompare', '<image_3>'])(
    'marks of more: %s',
    (text) => {
      expect(() => unmarked('question', text)).toThrow(/a sample has one picture/);
    },
  );
});

it.each([
  ['{"id": 9007199254740993}', { id: '9007199254740993' }],
  [
    '{"id":-12345678901234567890,"a":[12345678901234567]}',
    { id: '-12345678901234567890', a: ['12345678901234567'] },
  ],
  ['{"id": 9007199254740991}', { id: 9007199254740991 }],
  ['{"a": 0.12345678901234567, "b": 1e21}', { a: Number('0.12345678901234567'), b: 1e21 }],
  ['{"a": "12345678901234567890 NaN", "b": NaN}', { a: '12345678901234567890 NaN', b: null }],
])('whole numbers keep their digits: %s', (text, value) => {
  expect(JSON.parse(repairedText(text))).toEqual(value);
});

it.each([
  ['/d/split=train/label=a%20b/x.parquet', { split: 'train', label: 'a b' }],
  ['/d=1/e/x.csv', {}],
  ['/d/k=__HIVE_DEFAULT_PARTITION__/x.csv', { k: null }],
])('partitions of %s', (path, found) => {
  expect(partitionsOf(path)).toEqual(found);
});
