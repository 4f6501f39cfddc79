import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Field, List, type Table, tableFromArrays, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { type IngestOptions, ingest } from '../../ingest/index.ts';
import { Mapping } from '../../schemas/mapping.ts';
import { readSamples } from '../../store/index.ts';
import { emptyFolder, type Files, folderWith, lines, png } from './layouts.ts';

const mapping = Mapping.parse({ decides: 'text' });

async function ingested(path: string, options: IngestOptions = { mapping }) {
  const result = await ingest([path], join(await emptyFolder(), 'out'), options);
  return { ...result, table: await readSamples(result.files.samples) };
}

describe('a table by columns is read by rows', () => {
  const rows = [
    { question: 'one?', options: ['x', 'y'], answer: 1 },
    { question: 'two?', options: ['x', 'z'], answer: 0 },
  ];
  const byColumns = (keys: readonly string[]) =>
    Object.fromEntries(
      (['question', 'options', 'answer'] as const).map((name) => [
        name,
        Object.fromEntries(keys.map((key, i) => [key, rows[i]![name]])),
      ]),
    );
  it.each<[string, unknown]>([
    ['as pandas writes it by default', byColumns(['0', '1'])],
    ['with the numbers that a selection left', byColumns(['17', '5'])],
    [
      'as lists',
      Object.fromEntries(
        (['question', 'options', 'answer'] as const).map((name) => [name, rows.map((row) => row[name])]),
      ),
    ],
    [
      'as orient="split"',
      {
        columns: ['question', 'options', 'answer'],
        index: [0, 1],
        data: rows.map(({ answer, options, question }) => [question, options, answer]),
      },
    ],
  ])('%s', async (_, document) => {
    for (const space of [0, 2]) {
      const folder = await folderWith({ 'a.json': JSON.stringify(document, null, space) });
      const { rejected, table } = await ingested(folder);
      expect(rejected).toBe(0);
      expect(table.map(({ answer, options, question }) => [question, options[answer!]]).sort()).toEqual([
        ['one?', 'y'],
        ['two?', 'x'],
      ]);
    }
  });

  it.each<[string, unknown, number]>([
    ['records by number', { 0: rows[0], 1: rows[1] }, 2],
    ['parts of a set', { train: rows, test: rows.slice(1) }, 2],
    ['records by name', { a: rows[0], b: rows[1] }, 2],
  ])('but not %s', async (_, document, samples) => {
    const folder = await folderWith({ 'a.json': JSON.stringify(document) });
    expect((await ingested(folder)).samples).toBeGreaterThanOrEqual(samples);
  });
});

describe('a form of another program is named, with what to do', () => {
  const box = { id: 1, image_id: 7, category_id: 3, bbox: [1, 2, 3, 4], area: 12, iscrowd: 0 };
  const picture = { id: 7, file_name: 'a.jpg', width: 640, height: 480 };
  const task = {
    id: 1,
    data: { image: '/data/upload/a.jpg' },
    annotations: [
      {
        id: 5,
        completed_by: 1,
        result: [
          { id: 'q', from_name: 'choice', to_name: 'image', type: 'choices', value: { choices: ['ok'] } },
        ],
      },
    ],
    predictions: [],
  };
  const region = { shape_attributes: { name: 'rect', x: 1, y: 2 }, region_attributes: { type: 'crack' } };
  const via = { 'a.jpg123': { filename: 'a.jpg', size: 123, regions: [region], file_attributes: {} } };
  it.each<[string, Files, RegExp]>([
    [
      'COCO with boxes',
      {
        'instances.json': JSON.stringify({
          info: {},
          images: [picture],
          annotations: [box],
          categories: [{ id: 3, name: 'cat' }],
        }),
      },
      /instances\.json: is a file of COCO: .*a folder for each class, or write a table with the columns question/,
    ],
    [
      'COCO with boxes first',
      {
        'i.json': JSON.stringify(
          { annotations: Array(2000).fill(box), categories: [{ id: 3 }], images: [picture] },
          null,
          1,
        ),
      },
      /i\.json: is a file of COCO/,
    ],
    [
      'COCO with captions',
      {
        'captions_val.json': JSON.stringify({
          images: [picture],
          annotations: [{ image_id: 7, id: 1, caption: 'A cat.' }],
        }),
      },
      /captions_val\.json: is a file of COCO/,
    ],
    [
      'COCO without boxes',
      { 'i.json': JSON.stringify({ images: [picture], categories: [{ id: 1 }] }) },
      /a file of COCO/,
    ],
    [
      'Label Studio',
      { 'export.json': JSON.stringify([task]) },
      /export\.json: is an export of Label Studio: .*JSON-MIN/,
    ],
    [
      'Label Studio without answers',
      { 'e.json': JSON.stringify([{ ...task, annotations: [{ completed_by: 1, result: [] }] }]) },
      /Label Studio/,
    ],
    [
      'SQuAD',
      {
        'dev-v2.0.json': JSON.stringify({
          version: 'v2.0',
          data: [
            {
              title: 'T',
              paragraphs: [
                {
                  qas: [{ question: 'q', id: '5', answers: [{ text: 'a', answer_start: 1 }] }],
                  context: 'c',
                },
              ],
            },
          ],
        }),
      },
      /dev-v2\.0\.json: is a file of SQuAD: .*no options/,
    ],
    [
      'VIA, a project',
      { 'p.json': JSON.stringify({ _via_settings: {}, _via_img_metadata: via }) },
      /VGG Image Annotator/,
    ],
    ['VIA, its annotations', { 'p.json': JSON.stringify(via) }, /VGG Image Annotator/],
    [
      'VIA of version 1',
      {
        'p.json': JSON.stringify({
          'a.jpg1': { fileref: '', size: 1, filename: 'a.jpg', regions: { 0: region } },
        }),
      },
      /VGG Image Annotator/,
    ],
    [
      'LabelMe beside its picture',
      {
        'a.jpg': png(1),
        'a.json': JSON.stringify({
          version: '5',
          flags: {},
          shapes: [{ label: 'x', points: [[1, 2]], shape_type: 'polygon' }],
          imagePath: 'a.jpg',
          imageData: null,
        }),
      },
      /a\.json: is a file of LabelMe/,
    ],
  ])('%s', async (_, files, why) => {
    const folder = await folderWith(files);
    for (const options of [{}, { mapping }]) await expect(ingested(folder, options)).rejects.toThrow(why);
  });

  it.each<[string, Files]>([
    [
      'a table with boxes',
      { 'a.jsonl': lines([{ question: 'q', options: ['x', 'y'], answer: 'x', category_id: 1, bbox: [1] }]) },
    ],
    [
      'a document with pictures beside its questions',
      {
        'a.json': JSON.stringify({
          images: [picture],
          questions: [{ question: 'q', options: ['x', 'y'], answer: 'x' }],
        }),
      },
    ],
    [
      'annotations that ask',
      { 'a.json': JSON.stringify({ annotations: [{ question: 'q', options: ['x', 'y'], answer: 'x' }] }) },
    ],
    [
      'a text that speaks of such a form',
      {
        'a.jsonl': lines([
          {
            question: 'What is {"shapes": [{"points": []}], "flags": {}}?',
            options: ['x', 'y'],
            answer: 'x',
          },
        ]),
      },
    ],
  ])('but not %s', async (_, files) => {
    expect(await ingested(await folderWith(files))).toMatchObject({ samples: 1, rejected: 0 });
  });
});

/** A table as datasets save it: a stream of Arrow IPC. */
async function arrowFile(path: string, table: Table, format: 'stream' | 'file' = 'stream') {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, tableToIPC(table, format));
}
const asked = (questions: readonly string[]) =>
  tableFromArrays({
    question: questions,
    options: vectorFromArray(
      questions.map(() => ['x', 'y']),
      new List(new Field('item', new Utf8())),
    ),
    answer: vectorFromArray(questions.map((_, i) => BigInt(i % 2))),
  } as never) as unknown as Table;

describe('data sets that were saved as Arrow', () => {
  it('are read with their parts, and without what datasets computed beside them', async () => {
    const root = await emptyFolder();
    await writeFile(join(root, 'dataset_dict.json'), '{"splits": ["train", "test"]}');
    for (const split of ['train', 'test']) {
      await arrowFile(join(root, split, 'data-00000-of-00001.arrow'), asked([`${split} a`, `${split} b`]));
      await arrowFile(join(root, split, 'cache-0a1b2c.arrow'), asked(['computed']));
      await writeFile(join(root, split, 'dataset_info.json'), '{"features": {}}');
      await writeFile(
        join(root, split, 'state.json'),
        '{"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_indices_data_files": null}',
      );
    }
    const { splits, table } = await ingested(root);
    expect(splits).toMatchObject({ train: 2, test: 2 });
    expect(table.map(({ answer, options, question }) => [question, options[answer!]])).toEqual([
      ['test a', 'x'],
      ['test b', 'y'],
      ['train a', 'x'],
      ['train b', 'y'],
    ]);
  });

  it('are read as files of Arrow, too', async () => {
    const root = await emptyFolder();
    await arrowFile(join(root, 'a.arrow'), asked(['one', 'two']), 'file');
    expect((await ingested(root)).samples).toBe(2);
  });

  it('are refused where other files choose their rows, or their bytes are no Arrow', async () => {
    const root = await emptyFolder();
    await arrowFile(join(root, 'dataset.arrow'), asked(['one']));
    await writeFile(join(root, 'state.json'), '{"_indices_data_files": [{"filename": "indices.arrow"}]}');
    await expect(ingested(root)).rejects.toThrow(
      /state\.json says that other files choose its rows.*to_parquet/,
    );
    await writeFile(join(root, 'state.json'), '{}');
    const bytes = await readFile(join(root, 'dataset.arrow'));
    for (const broken of [
      Buffer.from('no arrow at all'),
      Buffer.alloc(0),
      bytes.subarray(0, bytes.length / 2),
      Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), bytes.subarray(8)]),
    ]) {
      await writeFile(join(root, 'dataset.arrow'), broken);
      await expect(ingested(root)).rejects.toThrow(/dataset\.arrow: cannot be read as Arrow|hold no rows/);
    }
  });
});
