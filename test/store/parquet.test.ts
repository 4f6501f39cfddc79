import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetMetadata } from 'hyparquet';
import { expect, test } from 'vitest';
import { MediaType } from '../../schemas/artifact.ts';
import type { PerturbedSample, Sample } from '../../schemas/benchmark.ts';
import {
  ArtifactStore,
  readLosses,
  readParquet,
  readParquetGroups,
  readPredictions,
  readSamples,
  type TableSchema,
  writeLosses,
  writePredictions,
  writeSamples,
  writeSamplesFile,
  writeTable,
  writeTableFile,
} from '../../store/index.ts';
import { anyLoss, anyPerturbed, anyPrediction, anySample, sample } from './data.ts';
import { collect, filesIn, testFolder } from './folder.ts';

const origin = { perturbation: 'origin', variant: '', hinted: null } as const;
const runs = { numRuns: 60 };

async function fails(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.fail('it was accepted'),
    (error) => error,
  );
}

test('any clean samples come back, under origin', async () => {
  const store = await ArtifactStore.open(testFolder());
  const property = fc.asyncProperty(fc.array(anySample, { maxLength: 12 }), async (samples: Sample[]) => {
    const ref = await writeSamples(store, samples);
    expect(ref).toMatchObject({ rows: samples.length, mediaType: MediaType.Parquet });
    expect(await readSamples(await store.path(ref))).toEqual(samples.map((item) => ({ ...item, ...origin })));
  });
  await fc.assert(property, runs);
});

test('any perturbed samples come back', async () => {
  const store = await ArtifactStore.open(testFolder());
  const property = fc.asyncProperty(
    fc.array(anyPerturbed, { maxLength: 12 }),
    async (samples: PerturbedSample[]) => {
      expect(await readSamples(await store.path(await writeSamples(store, samples)))).toEqual(samples);
    },
  );
  await fc.assert(property, runs);
});

test('any predictions and losses come back', async () => {
  const store = await ArtifactStore.open(testFolder());
  const property = fc.asyncProperty(
    fc.array(anyPrediction, { maxLength: 12 }),
    fc.array(anyLoss, { maxLength: 12 }),
    async (predictions, losses) => {
      expect(await readPredictions(await store.path(await writePredictions(store, predictions)))).toEqual(
        predictions,
      );
      expect(await readLosses(await store.path(await writeLosses(store, losses)))).toEqual(losses);
    },
  );
  await fc.assert(property, runs);
});

test('a byte order mark and text that is no UTF-8 are not passed over', async () => {
  const path = join(testFolder(), 'table.parquet');
  const schema = { text: { kind: 'string' } } as const satisfies TableSchema;
  const rows = ['\ufeff', '\ufeffid', 'id\ufeff'].map((text) => ({ text }));
  await writeTableFile(path, schema, rows);
  expect(await readParquet(path, schema)).toEqual(rows);
  await writeTableFile(path, schema, [{ text: 'plain marker' }]);
  const bytes = await readFile(path);
  bytes[bytes.indexOf('marker')] = 0xff;
  await writeFile(path, bytes);
  expect((await fails(readParquet(path, schema))).message).toContain('rows 0 to 0 cannot be read');
});

const everyKind = {
  flag: { kind: 'bool' },
  small: { kind: 'int32' },
  large: { kind: 'int64', nullable: true },
  single: { kind: 'float32' },
  bytes: { kind: 'binary', nullable: true },
  words: { kind: 'list<string>', nullable: true },
  places: { kind: 'list<int32>' },
} as const satisfies TableSchema;

test('a table of any column schema comes back, nulls and empty lists apart', async () => {
  const path = join(testFolder(), 'table.parquet');
  const row = fc.record({
    flag: fc.boolean(),
    small: fc.integer(),
    large: fc.option(fc.maxSafeInteger()),
    single: fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
    bytes: fc.option(fc.uint8Array({ maxLength: 9 })),
    words: fc.option(fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 })),
    places: fc.array(fc.integer(), { maxLength: 3 }),
  });
  const property = fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (rows) => {
    await writeTableFile(path, everyKind, rows);
    expect(await readParquet(path, everyKind)).toEqual(rows);
  });
  await fc.assert(property, runs);
});

test('the same rows give the same bytes, and another row gives others', async () => {
  const store = await ArtifactStore.open(testFolder());
  const samples = Array.from({ length: 20 }, (_, i) => sample(i));
  const ref = await writeSamples(store, samples);
  expect(await writeSamples(store, structuredClone(samples))).toEqual(ref);
  // Bytes that must not change with machine or release unnoticed: stored digests name them.
  const { digest } = await writeSamples(store, [sample(0, { image: null })]);
  expect(digest).toBe('sha256:250d56d9aef3a1733af64ffdfa98091df398d41b414aebc898de19e7b287e9ed');
  expect((await writeSamples(store, [...samples.slice(1), sample(99)])).digest).not.toBe(ref.digest);
});

test('a long table has bounded row groups, by rows and by bytes, read one at a time in order', async () => {
  const folder = testFolder();
  const schema = { n: { kind: 'int32' }, blob: { kind: 'binary' } } as const satisfies TableSchema;
  const blob = new Uint8Array(3 * 1024 * 1024);
  const wide = Array.from({ length: 14 }, (_, n) => ({ n, blob }));
  const long = Array.from({ length: 10_000 }, (_, n) => ({ n, blob: new Uint8Array(1) }));
  for (const [name, rows, groups] of [
    ['wide', wide, [6, 6, 2]],
    ['long', long, [4096, 4096, 1808]],
  ] as const) {
    const path = join(folder, name);
    await writeTableFile(path, schema, rows);
    const read = await collect(readParquetGroups(path, schema));
    expect(read.map((group) => group.rows.length)).toEqual(groups);
    expect(read.flatMap((group) => group.rows.map((row, i) => [group.firstRow + i, row.n]))).toEqual(
      rows.map((_, n) => [n, n]),
    );
    expect(read.every((group) => group.totalRows === rows.length)).toBe(true);
  }
});

test('rows can come from an async source; an error of the source leaves no file', async () => {
  const folder = testFolder();
  const store = await ArtifactStore.open(join(folder, 'store'));
  const schema = { n: { kind: 'int32' } } as const satisfies TableSchema;
  async function* source(end: number) {
    for (let n = 0; n < end; n++) yield { n };
    if (end > 5) throw new Error('the source broke off');
  }
  const ref = await writeTable(store, schema, source(5));
  expect(ref.rows).toBe(5);
  expect(await readParquet(await store.path(ref), schema)).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })));
  await expect(writeTableFile(join(folder, 'out.parquet'), schema, source(6))).rejects.toThrow('broke off');
  expect((await filesIn(folder)).filter((name) => name.includes('out'))).toEqual([]);
});

test.each([
  ['answer', { answer: 1.5 }],
  ['answer', { answer: 2 ** 31 }],
  ['question', { question: 'half a pair \ud800' }],
  ['options', { options: ['a', null] }],
  ['id', { id: null }],
  ['image', { image: { bytes: [1, 2], path: null } }],
])('a value that the column "%s" cannot hold is refused with its row', async (column, change) => {
  const path = join(testFolder(), 'samples.parquet');
  const samples = [sample(0), { ...sample(1), ...change } as Sample];
  await expect(writeSamplesFile(path, samples)).rejects.toThrow(`row 1, column "${column}"`);
});

test('a missing or differently typed column is named, with the columns that are there', async () => {
  const path = join(testFolder(), 'table.parquet');
  const { question, options, ...rest } = { ...sample(0) };
  const schema = {
    id: { kind: 'string' },
    taskKind: { kind: 'string' },
    split: { kind: 'string' },
    options: { kind: 'string' },
    answer: { kind: 'string' },
    context: { kind: 'string', nullable: true },
    image: { kind: 'string' },
    source: { kind: 'string' },
  } as const satisfies TableSchema;
  const [answer, image] = ['1', 'photo.png'];
  await writeTableFile(path, schema, [{ ...rest, options: options.join(), answer, image }]);
  const { message } = await fails(readSamples(path));
  expect(message).toContain(path);
  expect(message).toContain('column "question" (string) is missing');
  expect(message).toContain('column "options" is string, expected list<string>');
  expect(message).toContain('column "answer" is string, expected int32');
  expect(message).toContain('column "image" is string, expected struct<bytes: binary, path: string>');
  expect(message).toContain('id, taskKind, split, options, answer, context, image, source');
});

test.each([
  ['taskKind', 'audio', 'one of image_heavy, text_heavy, vqa'],
  ['split', 'validation', 'one of train, test, heldout'],
])('an unknown %s is named with its row', async (column, value, expected) => {
  const path = join(testFolder(), 'samples.parquet');
  await writeSamplesFile(path, [sample(0), sample(1, { [column]: value })]);
  const error = await fails(readSamples(path));
  expect(error).toMatchObject({ code: 'BAD_INPUT' });
  expect(error.message).toContain(
    `row 1 (the first is 0), field "${column}": "${value}" is not known; expected ${expected}`,
  );
});

test('a file that is cut short, of another format or absent is refused by name', async () => {
  const folder = testFolder();
  const path = join(folder, 'samples.parquet');
  await writeSamplesFile(
    path,
    Array.from({ length: 50 }, (_, i) => sample(i)),
  );
  const { length } = await readFile(path);
  for (const size of [length - 1, length - 300, 100, 3, 0]) {
    await truncate(path, size);
    expect(await fails(readSamples(path))).toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining(path),
    });
  }
  await writeFile(path, 'id,question\n1,what ?\n');
  expect((await fails(readSamples(path))).message).toContain('cannot be read as Parquet');
  expect((await fails(readSamples(join(folder, 'absent')))).message).toContain('there is no such file');
});

test('damaged pages are refused with the rows that they hold', async () => {
  const path = join(testFolder(), 'losses.parquet');
  const schema = { text: { kind: 'string' } } as const satisfies TableSchema;
  const rows = Array.from({ length: 200 }, (_, i) => ({ text: `row ${i % 17}` }));
  await writeTableFile(path, schema, rows);
  const bytes = await readFile(path);
  const column = parquetMetadata(Uint8Array.from(bytes).buffer).row_groups[0]?.columns[0]?.meta_data;
  bytes.fill(0xff, Number(column?.data_page_offset), Number(column?.data_page_offset) + 60);
  await writeFile(path, bytes);
  const error = await fails(readParquet(path, schema));
  expect(error).toMatchObject({ code: 'BAD_INPUT' });
  expect(error.message).toContain('rows 0 to 199 cannot be read as Parquet');
});
