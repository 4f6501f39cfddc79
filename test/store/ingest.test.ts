import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Sample, Split } from '../../schemas/benchmark.ts';
import {
  type IngestProgress,
  ingestBenchmark,
  type TableSchema,
  writeSamplesFile,
  writeTableFile,
} from '../../store/index.ts';
import { png, sample } from './data.ts';
import { testFolder } from './folder.ts';

type Splits = Record<Split, Sample[]>;

const kinds = ['image_heavy', 'text_heavy', 'vqa'] as const;

function row(split: Split, i: number): Sample {
  const kind = kinds[i % 3] as Sample['taskKind'];
  const id = `${split} ${i}`;
  const number = { train: 0, test: 100, heldout: 200 }[split] + i;
  const image = kind === 'text_heavy' ? null : { bytes: png(number), path: null };
  return sample(number, { id, split, taskKind: kind, source: kind === 'text_heavy' ? 'dog' : id, image });
}

/** A good benchmark of 9, 6 and 3 rows. */
function good(): Splits {
  const rows = (split: Split, n: number) => Array.from({ length: n }, (_, i) => row(split, i));
  return { train: rows('train', 9), test: rows('test', 6), heldout: rows('heldout', 3) };
}

async function write(benchmark: Splits): Promise<string> {
  const folder = testFolder();
  for (const [split, samples] of Object.entries(benchmark)) {
    await writeSamplesFile(join(folder, `${split}.parquet`), samples);
  }
  return folder;
}

async function refusal(folder: string): Promise<string> {
  const error = await ingestBenchmark(folder).then(
    () => expect.fail('it was accepted'),
    (failure) => failure,
  );
  expect(error).toMatchObject({ name: 'GuardError', code: 'BAD_INPUT' });
  return (error as Error).message;
}

test('a good benchmark comes back as it is, counted by task kind, with its progress', async () => {
  const benchmark = good();
  const folder = await write(benchmark);
  const progress: IngestProgress[] = [];
  const { samples, kinds } = await ingestBenchmark(folder, { onProgress: (step) => progress.push(step) });
  expect(samples).toEqual(benchmark);
  expect(kinds).toEqual({
    train: { image_heavy: 3, text_heavy: 3, vqa: 3 },
    test: { image_heavy: 2, text_heavy: 2, vqa: 2 },
    heldout: { image_heavy: 1, text_heavy: 1, vqa: 1 },
  });
  expect(progress).toEqual([
    { file: join(folder, 'train.parquet'), rows: 9, totalRows: 9 },
    { file: join(folder, 'test.parquet'), rows: 6, totalRows: 6 },
    { file: join(folder, 'heldout.parquet'), rows: 3, totalRows: 3 },
  ]);
});

const jpeg = Buffer.from(
  'ffd8ffe000104a46494600010100000100010000ffc0000b080004000401011100ffda0008010100003f0000ffd9',
  'hex',
);
const webp = Buffer.concat([
  Buffer.from('RIFF'),
  Buffer.from([22, 0, 0, 0]),
  Buffer.from('WEBPVP8L'),
  Buffer.from([10, 0, 0, 0]),
  Buffer.alloc(10, 1),
]);

test.each([
  ['JPEG', jpeg],
  ['WebP', webp],
])('a %s image is taken as it is', async (_, bytes) => {
  const benchmark = good();
  benchmark.test[0] = { ...row('test', 0), image: { bytes: Uint8Array.from(bytes), path: 'photo' } };
  const { samples } = await ingestBenchmark(await write(benchmark));
  expect(samples.test[0]?.image).toEqual({ bytes: Uint8Array.from(bytes), path: 'photo' });
});

const whole = png(1, 16);
const badChecksum = whole.slice();
// The last byte before the end chunk, of 12 bytes, belongs to the checksum of the pixels.
badChecksum[whole.length - 13] = (badChecksum[whole.length - 13] as number) ^ 1;
const badPixels = whole.slice();
badPixels[45] = (badPixels[45] as number) ^ 0xff;
const huge = whole.slice();
huge.set([0, 1, 0, 0, 0, 1, 0, 0], 16);

const faults: [string, Partial<Sample>, string, string][] = [
  ['no options', { options: [], answer: 0 }, 'options', 'no options; expected two or more options'],
  ['one option', { options: ['a'], answer: 0 }, 'options', 'one option; expected two or more options'],
  ['an option twice', { options: ['a', 'b', 'a'] }, 'options', 'options 0 and 2 are both "a"'],
  ['an empty option', { options: ['a', ' '], answer: 0 }, 'options', 'option 1 is empty'],
  [
    'the answer behind the end',
    { answer: 4 },
    'answer',
    '4, but there are 4 options: the option list is without the answer; expected a whole number from 0 to 3',
  ],
  ['a negative answer', { answer: -1 }, 'answer', 'the option list is without the answer'],
  ['an empty question', { question: ' \n' }, 'question', 'it is empty'],
  ['an empty id', { id: '' }, 'id', 'it is empty'],
  ['an empty source', { source: '' }, 'source', 'it is empty'],
  ['an id that is taken', { id: 'test 0' }, 'id', '"test 0" is taken by row 0 of'],
  ['an id of another split', { id: 'train 8' }, 'id', 'train.parquet'],
  ['the name of another split', { split: 'train' }, 'split', '"train"; expected "test"'],
  ['a photo of another split', { source: 'train 0' }, 'source', 'the photo "train 0" is also in row 0 of'],
  [
    'a grid with a photo of another split',
    { source: 'photos:x+train 0+y' },
    'source',
    'the photo "train 0" is also in row 0 of',
  ],
  [
    'an image of another split',
    { image: { bytes: png(0), path: null } },
    'image',
    'an image of the same bytes is also in row 0 of',
  ],
  [
    'image-heavy without an image',
    { image: null },
    'image',
    'there is none; expected an image, as the task kind is "image_heavy"',
  ],
  ['an empty image', { image: { bytes: new Uint8Array(0), path: null } }, 'image', 'the image is empty'],
  [
    'a text as image',
    { image: { bytes: Buffer.from('GIF88a..'), path: null } },
    'image',
    'no PNG, JPEG, WebP, GIF, TIFF or AVIF (they begin with 474946383861',
  ],
  [
    'a PNG cut short',
    { image: { bytes: whole.slice(0, 60), path: null } },
    'image',
    'the PNG cannot be decoded',
  ],
  [
    'a PNG header alone',
    { image: { bytes: whole.slice(0, 20), path: null } },
    'image',
    'the PNG is cut short',
  ],
  [
    'a PNG with a wrong checksum',
    { image: { bytes: badChecksum, path: null } },
    'image',
    'the PNG cannot be decoded',
  ],
  [
    'a PNG with damaged pixels',
    { image: { bytes: badPixels, path: null } },
    'image',
    'the PNG cannot be decoded',
  ],
  [
    'a PNG that claims 65536 x 65536 pixels',
    { image: { bytes: huge, path: null } },
    'image',
    'more than 50 million',
  ],
  [
    'a JPEG cut short',
    { image: { bytes: jpeg.subarray(0, 40), path: null } },
    'image',
    'the JPEG is cut short',
  ],
  [
    'a JPEG without a frame',
    { image: { bytes: Buffer.from('ffd8ffd9', 'hex'), path: null } },
    'image',
    'the JPEG has no frame header',
  ],
  [
    'a WebP cut short',
    { image: { bytes: webp.subarray(0, 25), path: null } },
    'image',
    'the WebP is cut short',
  ],
];

test.each(faults)('%s is refused with file, row and field', async (_, change, field, message) => {
  const benchmark = good();
  benchmark.test[3] = { ...row('test', 3), ...change };
  const folder = await write(benchmark);
  const found = await refusal(folder);
  const place = `${join(folder, 'test.parquet')}: row 3 (the first is 0), field "${field}": `;
  expect(found.startsWith(place), found).toBe(true);
  expect(found).toContain(message);
  expect(found).toContain('; expected ');
});

test('a text-heavy word may come again in another split, and needs no image', async () => {
  const benchmark = good();
  expect(benchmark.train[1]?.source).toBe(benchmark.test[1]?.source);
  await ingestBenchmark(await write(benchmark));
});

test('an empty split, a missing file and a missing folder are named', async () => {
  const folder = await write({ ...good(), heldout: [] });
  expect(await refusal(folder)).toContain(
    `${join(folder, 'heldout.parquet')}: the split "heldout" has no rows`,
  );
  await rm(join(folder, 'heldout.parquet'));
  const missing = await refusal(folder);
  expect(missing).toContain(`${folder}: heldout.parquet missing`);
  expect(missing).toContain('it has: test.parquet, train.parquet');
  expect(await refusal(join(folder, 'absent'))).toContain('there is no such folder');
});

test('a file that is no Parquet, lacks a column or has nulls is named', async () => {
  const folder = await write(good());
  const path = join(folder, 'test.parquet');
  await writeFile(path, 'id,question');
  expect(await refusal(folder)).toContain(`${path}: the footer cannot be read as Parquet`);
  await writeTableFile(path, { id: { kind: 'string' } }, [{ id: 'a' }]);
  expect(await refusal(folder)).toContain('column "question" (string) is missing');
  const schema = {
    id: { kind: 'string' },
    taskKind: { kind: 'string' },
    split: { kind: 'string' },
    question: { kind: 'string', nullable: true },
    options: { kind: 'list<string>' },
    answer: { kind: 'int32', nullable: true },
    context: { kind: 'string', nullable: true },
    image: { kind: 'image', nullable: true },
    source: { kind: 'string' },
  } as const satisfies TableSchema;
  await writeTableFile(path, schema, [row('test', 0), { ...row('test', 1), question: null }]);
  expect(await refusal(folder)).toContain(
    `${path}: row 1 (the first is 0), field "question": the value is null`,
  );
});
