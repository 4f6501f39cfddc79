import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type IngestOptions, ingest, readSettings } from '../../ingest/index.ts';
import { Mapping } from '../../schemas/mapping.ts';
import { TaskFile } from '../../schemas/task.ts';
import { readParquet, readSamples } from '../../store/index.ts';
import {
  emptyFolder,
  type Files,
  folderWith,
  lines,
  parquetFile,
  png,
  published,
  rejectColumns,
} from './layouts.ts';

async function ingested(path: string, options: IngestOptions = {}) {
  const out = join(await emptyFolder(), 'out');
  const result = await ingest([path], out, options);
  const samples = (await readSamples(result.files.samples)).map(
    ({ perturbation: _, variant: __, hinted: ___, ...sample }) => sample,
  );
  const rejects = await readParquet(result.files.rejects, rejectColumns);
  expect(result).toMatchObject({ samples: samples.length, rejected: rejects.length });
  return { ...result, table: samples, rejects };
}

const ofFiles = async (files: Files, options?: IngestOptions) => ingested(await folderWith(files), options);

describe('published layouts', () => {
  it('OpenBookQA', async () => {
    const { table, kinds, sources } = await ofFiles(published.openbookqa);
    expect(sources.map(({ format }) => format)).toEqual(['openbookqa']);
    expect(kinds).toEqual({ text_heavy: 2 });
    expect(table[0]).toMatchObject({
      id: '8-0',
      question: 'A person wants to start saving money, so that they',
      options: ['make phone calls', 'quit eating', 'buy less', 'have lunch'],
      answer: 2,
      image: null,
      split: 'test',
    });
  });

  it('ARC, with labels that are numbers', async () => {
    const { table, sources } = await ofFiles(published.arc);
    expect(sources[0]!.format).toBe('arc');
    expect(table).toMatchObject([{ id: 'Mercury_7175875', options: ['wood', 'copper', 'glass'], answer: 1 }]);
  });

  it('MMLU without a header, with quoted line ends', async () => {
    const { table, sources } = await ofFiles(published.mmlu);
    expect(sources[0]!.format).toBe('mmlu');
    expect(table).toMatchObject([
      { question: 'A ball, thrown "up"', answer: 0, fields: { subject: 'high_school_physics' } },
      { question: 'What is\nforce?', options: ['m/a', 'ma', 'a/m', 'm+a'], answer: 1 },
    ]);
  });

  it('ScienceQA', async () => {
    const { table, kinds, sources } = await ofFiles(published.scienceqa);
    expect(sources.map(({ format }) => format)).toEqual(['scienceqa']);
    expect(kinds).toEqual({ vqa: 1, text_heavy: 1 });
    expect(table[0]).toMatchObject({
      id: '1',
      question: 'Look at the map.\nWhich state is farthest north?',
      split: 'test',
      fields: { subject: 'social science' },
    });
    expect(table[0]!.image!.bytes).toEqual(png(1));
    expect(table[1]).toMatchObject({ id: '2', split: 'train', image: null });
  });

  it('MMBench, empty options left out and a shared image looked up', async () => {
    const { table, sources } = await ofFiles(published.mmbench);
    expect(sources[0]!.format).toBe('mmbench');
    expect(table).toMatchObject([
      {
        id: 'mmbench 241',
        options: ['a cat', 'a dog'],
        answer: 1,
        question: 'What is shown?',
        taskKind: 'vqa',
      },
      { id: 'mmbench 1000241', options: ['a dog', 'a cat', 'a cow'], question: 'See it.\nWhat is shown?' },
    ]);
    expect(table[1]!.image!.bytes).toEqual(png(2));
  });

  it('SEED-Bench; a video is a reject', async () => {
    const { table, rejects, sources } = await ofFiles(published.seedbench);
    expect(sources[0]!.format).toBe('seedbench');
    expect(table).toMatchObject([
      {
        id: 'seedbench 101669',
        options: ['One', 'Two', 'Three', 'Four'],
        answer: 0,
        source: '1454426_2591111986',
      },
    ]);
    expect(rejects).toMatchObject([{ row: 1, field: 'data_type', why: 'is "video"; only images are read' }]);
  });

  it('folders of images, with drawn wrong classes that a seed repeats', async () => {
    const folder = await folderWith(published.imagefolder);
    const { table, kinds, sources } = await ingested(folder, { seed: 4 });
    expect(sources[0]!.format).toBe('imagefolder');
    expect(kinds).toEqual({ image_heavy: 5 });
    for (const { id, options, answer } of table) {
      const name = id.split('/').at(-2)!.replaceAll('_', ' ');
      expect(options[answer!]).toBe(name);
      expect(new Set(options).size).toBe(4);
    }
    expect((await ingested(folder, { seed: 4 })).table).toEqual(table);
    expect((await ingested(folder, { seed: 5 })).table).not.toEqual(table);
  });

  it('Mini-ImageNet, whose folders are WordNet ids', async () => {
    const files = { 'train/n01532829/a.png': png(1), 'test/n01558993/b.png': png(2) };
    const names = 'n01532829 house finch, linnet\nn01558993 robin, American robin\n';
    const { table } = await ofFiles({ ...files, 'synset_words.txt': names });
    expect(table.map(({ options, answer, split }) => [options[answer!], split])).toEqual([
      ['robin', 'test'],
      ['house finch', 'train'],
    ]);
  });

  it('LLaVA-Instruct, the answer among drawn answers of others', async () => {
    const { table, sources } = await ofFiles(published.llava);
    expect(sources[0]!.format).toBe('llava');
    expect(table).toHaveLength(4);
    for (const [i, { question, options, answer, split }] of table.entries()) {
      expect(question).toBe('What is this?');
      expect(options[answer!]).toBe(`It is thing number ${i}.`);
      expect(options).toHaveLength(4);
      expect(split).toBe('train');
    }
  });

  it('TextCaps', async () => {
    const { table, sources } = await ofFiles(published.textcaps);
    expect(sources[0]!.format).toBe('textcaps');
    expect(table.map(({ options, answer }) => options[answer!])).toEqual(
      [0, 1, 2].map((i) => `A sign that says ${i}`),
    );
  });
});

describe("Hugging Face's Parquet files", () => {
  const asPng = (level: number) => `from_hex('${Buffer.from(png(level)).toString('hex')}')`;
  const layouts = [
    [
      'openbookqa',
      "SELECT '7-980' AS id, 'The sun is responsible for' AS question_stem, {'text': ['a', 'b'], 'label': ['A', 'B']} AS choices, 'B' AS answerKey",
      { id: '7-980', question: 'The sun is responsible for', options: ['a', 'b'], answer: 1 },
    ],
    [
      'arc',
      "SELECT 'M1' AS id, 'q' AS question, {'text': ['a', 'b', 'c'], 'label': ['1', '2', '3']} AS choices, '3' AS answerKey",
      { options: ['a', 'b', 'c'], answer: 2 },
    ],
    [
      'mmlu',
      "SELECT 'q' AS question, 'law' AS subject, ['a', 'b', 'c', 'd'] AS choices, 3::BIGINT AS answer",
      { options: ['a', 'b', 'c', 'd'], answer: 3, fields: { subject: 'law' } },
    ],
    [
      'scienceqa',
      `SELECT {'bytes': ${asPng(1)}, 'path': NULL::VARCHAR} AS image, 'q' AS question, ['a', 'b'] AS choices, 1::TINYINT AS answer, '' AS hint, 'l' AS lecture`,
      { options: ['a', 'b'], answer: 1, taskKind: 'vqa' },
    ],
    [
      'mmbench',
      `SELECT 5 AS index, 'q' AS question, NULL AS hint, 'A' AS answer, 'x' AS A, 'y' AS B, 'nan' AS C, 'nan' AS D, 'c' AS category, {'bytes': ${asPng(2)}, 'path': 'a.png'} AS image`,
      { id: 'mmbench 5', options: ['x', 'y'], answer: 0 },
    ],
  ] as const;

  it.each(layouts)('%s', async (format, select, expected) => {
    for (const compression of ['snappy', 'gzip', 'zstd']) {
      const path = join(await emptyFolder(), 'test-00000-of-00001.parquet');
      await parquetFile(path, select, `, COMPRESSION ${compression}`);
      const { table, sources } = await ingested(path);
      expect(sources[0]!.format).toBe(format);
      expect(table).toMatchObject([expected]);
    }
  });
});

describe("a team's own table", () => {
  const csv =
    'photo,defect,line,note\na.png,scratch,7,ok\nb.png,none,8,\nmissing.png,none,8,\nb.png,dent,8,\n';
  const mapping = Mapping.parse({
    ask: 'Which defect does the part have?',
    choices: ['none', 'scratch', 'crack'],
    answer: 'defect',
    image: 'photo',
    decides: 'image',
    fields: ['line', 'note'],
  });

  it('is read by its mapping, and every bad row is named', async () => {
    const files = { 'parts.csv': csv, 'a.png': png(1), 'b.png': png(2) };
    const { table, rejects, kinds } = await ofFiles(files, { mapping });
    expect(kinds).toEqual({ image_heavy: 2 });
    expect(table).toMatchObject([
      { options: ['none', 'scratch', 'crack'], answer: 1, fields: { line: '7', note: 'ok' } },
      { answer: 0, fields: { line: '8', note: '' } },
    ]);
    expect(rejects.map(({ row, field }) => [row, field])).toEqual([
      [2, 'image'],
      [3, 'answer'],
    ]);
    expect(rejects[0]!.why).toMatch(/missing\.png or .*--images/);
  });

  it('needs no mapping where the columns have usual names, and no answers', async () => {
    const rows = [
      { id: 1, question: 'q', options: ['x', 'y'], decides: 'text' },
      { id: 2, question: 'q', A: 'x', B: 'y', C: '', decides: 'text', answer: 'B' },
      { id: 2, question: 'q', options: 'x|y', decides: 'text', answer: 'y' },
    ];
    const { notes, rejects, table, unlabelled } = await ofFiles({ 'own.jsonl': lines(rows) });
    expect(table.map(({ id, answer, options }) => [id, answer, options])).toEqual([
      ['1', null, ['x', 'y']],
      ['own.jsonl 1', 1, ['x', 'y']],
      ['own.jsonl 2', 1, ['x', 'y']],
    ]);
    expect({ rejects, unlabelled }).toEqual({ rejects: [], unlabelled: 1 });
    expect(notes).toEqual([expect.stringMatching(/own\.jsonl: 1 id is on several rows/)]);
  });

  it('gets its tasks from a task file', async () => {
    const folder = await folderWith({
      'tasks.yaml': [
        'tasks:',
        '  - {name: line-7, decides: image, errorCost: 40, decisionsPerMonth: 9000, owner: qa@plant, match: {line: "7"}}',
        '  - {name: other-lines, decides: both, owner: qa@plant}',
      ].join('\n'),
      'parts.csv': csv,
      'a.png': png(1),
      'b.png': png(2),
    });
    const { tasks } = await readSettings(join(folder, 'tasks.yaml'), TaskFile);
    const { table } = await ingested(join(folder, 'parts.csv'), { mapping, tasks });
    expect(table.map(({ task, taskKind }) => [task, taskKind])).toEqual([
      ['line-7', 'image_heavy'],
      ['other-lines', 'vqa'],
    ]);
  });
});

describe('a task file or a mapping', () => {
  it('may give numbers as choices; days are kept as such', async () => {
    const path = join(await emptyFolder(), 'a.parquet');
    await parquetFile(path, "SELECT 'q' AS question, 20 AS answer, DATE '2026-03-01' AS day");
    const mapping = Mapping.parse({ choices: [10, 20], decides: 'text', fields: ['day'] });
    const { table } = await ingested(path, { mapping });
    expect(table).toMatchObject([
      { options: ['10', '20'], answer: 1, fields: { day: '2026-03-01T00:00:00.000Z' } },
    ]);
  });

  it('takes rows by columns that no mapping keeps', async () => {
    const tasks = TaskFile.parse({
      tasks: [{ name: 'line-7', decides: 'text', owner: 'qa', match: { line: '7' } }],
    }).tasks;
    const { rejects, table } = await ofFiles({ 'a.csv': 'question,A,B,line\nq,x,y,7\np,x,y,8\n' }, { tasks });
    expect(table).toMatchObject([{ task: 'line-7', fields: { line: '7' } }]);
    expect(rejects).toMatchObject([{ row: 1, field: 'decides' }]);
  });

  it('makes a table of what looks like a published layout', async () => {
    const row = { question: 'q', choices: ['x', 'y'], answer: 1, subject: 's', pic: '1.png' };
    const mapping = Mapping.parse({ image: 'pic', decides: 'image' });
    const { kinds } = await ofFiles({ 'a.jsonl': lines([row]), '1.png': png(1) }, { mapping });
    expect(kinds).toEqual({ image_heavy: 1 });
  });
});

describe('what cannot be read', () => {
  it('is refused with its reason', async () => {
    const folder = await folderWith({
      'a.txt': 'x',
      'empty/.keep': '',
      'broken.json': '{"questions": [',
      'x.parquet': 'no',
    });
    const out = join(await emptyFolder(), 'out');
    const refused = (path: string) => expect(ingest([join(folder, path)], out)).rejects;
    await refused('none.csv').toThrow(/none\.csv: there is no such file or folder/);
    await refused('a.txt').toThrow(/a\.txt: is no file that can be read; expected \.jsonl/);
    await refused('empty').toThrow(/empty: holds nothing to read/);
    await refused('broken.json').toThrow(/broken\.json: is no JSON after element 0/);
    await refused('x.parquet').toThrow(/x\.parquet: cannot be read as Parquet/);
    await expect(readdir(out).catch(() => [])).resolves.toEqual([]);
  });

  it('leaves nothing behind where no row is a sample, or the first bad row stops the work', async () => {
    const folder = await folderWith({
      'bad.jsonl': lines([{ id: 1 }, 7]),
      'half.jsonl': lines([7, { id: 1 }]),
    });
    const out = join(await emptyFolder(), 'out');
    await expect(ingest([join(folder, 'bad.jsonl')], out)).rejects.toThrow(
      /no row became a sample; the first row that failed is row 0 of .*bad\.jsonl, field "options"/,
    );
    await expect(ingest([join(folder, 'half.jsonl')], out, { onError: 'stop' })).rejects.toThrow(
      /half\.jsonl: row 0 \(the first is 0\): expected an object, found 7; repair it/,
    );
    await expect(readdir(out)).rejects.toThrow('ENOENT');
  });

  it('names key and file of a mapping or task file that is wrong', async () => {
    const folder = await folderWith({
      'm.yaml': 'optoins: [a, b]\n',
      't.yaml': 'tasks:\n  - name: A B\n',
      'y.yaml': 'a: [\n',
    });
    await expect(readSettings(join(folder, 'm.yaml'), Mapping)).rejects.toThrow(
      /m\.yaml: has wrong values:[\s\S]*"optoins"; expected .*\boptions\b/,
    );
    await expect(readSettings(join(folder, 't.yaml'), TaskFile)).rejects.toThrow(/tasks\[0\]\.owner/);
    await expect(readSettings(join(folder, 'y.yaml'), TaskFile)).rejects.toThrow(
      /y\.yaml: is no YAML or JSON, line \d/,
    );
  });

  it('gives the same bytes each time', async () => {
    const folder = await folderWith(published.llava);
    const [a, b] = await Promise.all([ingested(folder), ingested(folder)]);
    expect(await readFile(a.files.samples)).toEqual(await readFile(b.files.samples));
  });
});
