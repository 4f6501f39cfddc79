import { symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { type IngestOptions, ingest } from '../../ingest/index.ts';
import { readParquet, readSamples } from '../../store/index.ts';
import { emptyFolder, type Files, folderWith, lines, parquetFile, png } from './layouts.ts';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const rejectColumns = { field: { kind: 'string' }, why: { kind: 'string' } } as const;

/** What the files of a data set, in the form in which somebody hands them out, become. */
async function samplesOf(files: Files | string, options: IngestOptions = {}) {
  const folder = typeof files === 'string' ? files : await folderWith(files);
  const {
    files: written,
    sources,
    ...counts
  } = await ingest([folder], join(await emptyFolder(), 'out'), options);
  const samples = await readSamples(written.samples);
  return {
    ...counts,
    formats: [...new Set(sources.map(({ format }) => format))],
    samples,
    rejects: await readParquet(written.rejects, rejectColumns),
    /** Right option and split of each sample, in order. */
    answers: samples.map(({ answer, options, split }) => [answer === null ? null : options[answer], split]),
  };
}

const question = (id: string, right: string) => ({
  id,
  question: {
    stem: `What is ${id}?`,
    choices: ['ice', 'steam', 'fog'].map((text, i) => ({ text, label: 'ABC'[i] })),
  },
  answerKey: right,
});

describe('OpenBookQA and ARC', () => {
  it("repeats of the authors' archive are merged, and the parts become splits", async () => {
    const facts = lines([{ ...question('a', 'B'), fact1: 'ice melts' }]);
    const tsv = 'ID\tQuestion Stem\tChoices\tAnswer Key\na\tWhat is a?\t(A) ice (B) steam (C) fog\tB\n';
    const { answers, formats, merged, rejects, rows } = await samplesOf({
      'Data/Main/train.jsonl': lines([question('a', 'B')]),
      'Data/Main/dev.jsonl': lines([question('b', 'A')]),
      'Data/Main/test.jsonl': lines([question('c', 'C')]),
      'Data/Main/train.tsv': tsv,
      'Data/Additional/train_complete.jsonl': facts,
    });
    expect(formats).toEqual(['openbookqa']);
    expect(answers).toEqual([
      ['steam', 'train'],
      ['ice', 'heldout'],
      ['fog', 'test'],
    ]);
    expect({ merged, rejects, rows }).toEqual({ merged: 2, rejects: [], rows: 5 });
  });

  it("the authors' CSV, with the choices in the question", async () => {
    const header = 'questionID,originalQuestionID,AnswerKey,question\n';
    const rows =
      'M1,1,B,"Which (if any) melts? (A) ice (B) salt, hot (C) fog"\nM2,2,3,Which? (1) a (2) b (3) c (4) d (5) e\n';
    const { answers, samples } = await samplesOf({ 'ARC-Easy-Dev.csv': header + rows });
    expect(samples[0]).toMatchObject({
      question: 'Which (if any) melts?',
      options: ['ice', 'salt, hot', 'fog'],
    });
    expect(answers).toEqual([
      ['salt, hot', 'heldout'],
      ['c', 'heldout'],
    ]);
  });
});

it('OpenBookQA, ARC and MMLU of Hugging Face, written as CSV by a data frame', async () => {
  const choices = `"{'text': array(['ice', ""it's fog""], dtype=object), 'label': ['A', 'B']}"`;
  const { answers, formats } = await samplesOf({
    'openbookqa/test.csv': `id,question_stem,choices,answerKey\na,What?,${choices},B\n`,
    'mmlu/test.csv': `question,subject,choices,answer\nq,law,"['a' 'b'\n 'c' 'd']",2\n`,
  });
  expect(formats).toEqual(['mmlu', 'openbookqa']);
  expect(answers.map(([right]) => right)).toEqual(['c', "it's fog"]);
});

describe('MMLU', () => {
  const row = (i: number) =>
    `SELECT 'q${i}' AS question, ['a', 'b', 'c', 'd'] AS choices, ${i}::BIGINT AS answer`;

  it('of Hugging Face: a folder a subject, all of them once more, and a struct of training questions', async () => {
    const root = await emptyFolder();
    const subject = (name: string, i: number) => `SELECT *, '${name}' AS subject FROM (${row(i)})`;
    await parquetFile(join(root, 'anatomy/test-00000-of-00001.parquet'), subject('anatomy', 1));
    await parquetFile(join(root, 'virology/test-00000-of-00001.parquet'), subject('virology', 2));
    await parquetFile(
      join(root, 'all/test-00000-of-00001.parquet'),
      `${subject('anatomy', 1)} UNION ALL ${subject('virology', 2)}`,
    );
    await parquetFile(
      join(root, 'auxiliary_train/train-00000-of-00001.parquet'),
      `SELECT {'answer': 3, 'choices': ['a', 'b', 'c', 'd'], 'question': 'extra', 'subject': ''} AS train`,
    );
    const { answers, firstMerged, formats, merged, rejected } = await samplesOf(root);
    expect(formats).toEqual(['mmlu']);
    expect(answers).toEqual([
      ['b', 'test'],
      ['c', 'test'],
      ['d', 'train'],
    ]);
    expect({ merged, rejected }).toEqual({ merged: 2, rejected: 0 });
    expect(firstMerged?.why).toMatch(/^it is the row "mmlu anatomy .*" in an earlier file$/);
  });

  it('whose first rows are faulty, or whose answers are withheld', async () => {
    const { answers, formats, rejects } = await samplesOf({
      'law_test.csv': 'short,w,x,y,A\nq,w,x,y,z,E\np,w,x,y,z,\no,w,x,y,z,b\n',
      'test.jsonl': lines([
        { question: 'r', choices: ['x', 'y'], answer: '1', subject: 'law' },
        { question: 's', choices: ['x', 'y'], answer: null, subject: 'law' },
      ]),
    });
    expect(formats).toEqual(['mmlu']);
    expect(answers.map(([right]) => right)).toEqual([null, 'x', 'y', null]);
    expect(rejects.map(({ field }) => field)).toEqual(['', 'answer']);
  });

  it('with a header, and of the folder for training whatever a file is called', async () => {
    const { answers, samples } = await samplesOf({
      'mmlu.csv': ',Question,A,B,C,D,Answer,Subject\n0,q,w,x,y,z,C,law\n',
      'data/auxiliary_train/mc_test.csv': 'p,w,x,y,z,D\n',
    });
    expect(answers).toEqual([
      ['z', 'train'],
      ['y', 'test'],
    ]);
    expect(samples[1]!.fields).toEqual({ subject: 'law' });
  });
});

it('ScienceQA: a hint without a question is no question', async () => {
  const problem = { question: 'q', hint: 'h', choices: ['a', 'b'], answer: 0, image: null, lecture: '' };
  const { rejects, samples } = await samplesOf({
    'problems.json': JSON.stringify({ 1: problem, 2: { ...problem, question: null } }),
  });
  expect(samples.map(({ question: asked }) => asked)).toEqual(['h\nq']);
  expect(rejects.map(({ field }) => field)).toEqual(['question']);
});

it('ScienceQA of Hugging Face: a struct of an image with nothing in it is no image', async () => {
  const path = join(await emptyFolder(), 'test.parquet');
  const image = "{'bytes': NULL::BLOB, 'path': NULL::VARCHAR}";
  await parquetFile(
    path,
    `SELECT ${image} AS image, 'q' AS question, ['a', 'b'] AS choices, 1 AS answer, 'l' AS lecture`,
  );
  expect((await samplesOf(path)).kinds).toEqual({ text_heavy: 1 });
});

it('ScienceQA of Hugging Face: the rows of the parts have no ids, and all pictures one name', async () => {
  const root = await emptyFolder();
  for (const [i, part] of ['train', 'validation', 'test'].entries()) {
    const image = `{'bytes': from_hex('${Buffer.from(png(i)).toString('hex')}'), 'path': 'image.png'}`;
    await parquetFile(
      join(root, `data/${part}-00000-of-00001.parquet`),
      `SELECT ${image} AS image, 'q' AS question, ['a', 'b'] AS choices, 1::TINYINT AS answer, '' AS hint, 'l' AS lecture`,
    );
  }
  const { answers, rejected } = await samplesOf(root);
  expect(rejected).toBe(0);
  expect(answers).toEqual([
    ['b', 'test'],
    ['b', 'train'],
    ['b', 'heldout'],
  ]);
});

describe('MMBench', () => {
  const header = 'index\tquestion\tA\tB\tC\tanswer\timage\n';

  it('finds the image of another row before or after, however far away', async () => {
    const others = Array.from({ length: 90 }, (_, i) => `${i}\tq${i}\tx\ty\t\tA\t${base64(png(i))}\n`);
    const { rejects, samples } = await samplesOf({
      'MMBench_DEV_EN.tsv': `${header}1000000\tq0\ty\tx\t\tB\t0\n${others.join('')}2000003\tq3\ty\tx\t\tB\t3\n5\tnone\tx\ty\t\tA\t777\n`,
    });
    expect(samples[0]!.image!.bytes).toEqual(png(0));
    expect(samples.at(-1)!.image!.bytes).toEqual(png(3));
    expect(rejects.map(({ why }) => why)).toEqual([
      'names the image of row index 777, and there is no such row with an image',
    ]);
  });

  it('keeps the letters of options between which one is empty, and refuses the letter of the empty one', async () => {
    const image = base64(png(1));
    const { answers, rejects } = await samplesOf({
      'mmbench.tsv': `${header}1\tq\tx\t\tz\tC\t${image}\n2\tp\tx\t\tz\tB\t${image}\n`,
    });
    expect(answers).toEqual([['z', 'test']]);
    expect(rejects[0]!.why).toBe('expected the letter of one of the 2 options, found "B"');
  });

  it('tells the rows of two languages apart, which have the same numbers', async () => {
    const row = (asked: string) => `${header}7\t${asked}\tx\ty\t\tA\t${base64(png(1))}\n`;
    const { samples } = await samplesOf({
      'MMBench_DEV_CN.tsv': row('哪一个?'),
      'MMBench_DEV_EN.tsv': row('Which?'),
    });
    expect(samples.map(({ id }) => id)).toEqual(['mmbench 7', 'mmbench 7 (MMBench_DEV_EN.tsv)']);
  });
});

describe('SEED-Bench', () => {
  const asked = {
    question: 'q',
    choice_a: 'v',
    choice_b: 'w',
    choice_c: 'x',
    choice_d: 'y',
    answer: 'D',
    question_id: '1',
  };

  it('version 2: lists of one image, and what shows several is refused', async () => {
    const { answers, rejects } = await samplesOf({
      'SEED-Bench_v2.json': JSON.stringify({
        question_type: { Scene: 1 },
        questions: [
          { ...asked, data_type: 'Image', data_id: ['cc3m/1.png'] },
          { ...asked, question_id: '2', data_type: 'Multiple Images', data_id: ['1.png', '2.png'] },
        ],
      }),
      'cc3m/1.png': png(1),
    });
    expect(answers).toEqual([['y', 'test']]);
    expect(rejects).toEqual([{ field: 'data_type', why: 'is "Multiple Images"; only images are read' }]);
  });

  it('questions without a number are refused by it', async () => {
    const questions = [asked, { ...asked, question_id: null }].map((one) => ({ ...one, data_id: '1' }));
    const files = { 'S.json': JSON.stringify({ questions, question_type: {} }), '1.png': png(1) };
    expect((await samplesOf(files)).rejects.map(({ field }) => field)).toEqual(['id']);
  });

  it('images that somebody gave an ending', async () => {
    const document = { questions: [{ ...asked, data_id: '14_2', data_type: 'image' }], question_type: {} };
    const { samples } = await samplesOf({
      'SEED-Bench.json': JSON.stringify(document),
      'SEED-Bench-image/14_2.jpg': png(1),
    });
    expect(samples[0]!.image!.path).toBe('SEED-Bench-image/14_2.jpg');
  });

  it('as a list, and as Parquet with lists of pictures', async () => {
    const list = [{ ...asked, data_id: '1' }];
    expect(
      (await samplesOf({ 'a.json': JSON.stringify(list), 'SEED-Bench-image/1': png(1) })).samples,
    ).toHaveLength(1);
    const root = await emptyFolder();
    const columns = Object.entries(asked).map(([name, value]) => `'${value}' AS ${name}`);
    const image = `[{'bytes': from_hex('${Buffer.from(png(2)).toString('hex')}'), 'path': NULL::VARCHAR}] AS image`;
    await parquetFile(
      join(root, 'test.parquet'),
      `SELECT ${[...columns, image, "'image' AS data_type"].join(', ')}`,
    );
    const { formats, samples } = await samplesOf(root);
    expect(formats).toEqual(['seedbench']);
    expect(samples[0]!.image!.bytes).toEqual(png(2));
  });
});

describe('images by class', () => {
  it("are split by Food-101's lists, of lines or JSON", async () => {
    const names = ['apple_pie/1', 'apple_pie/2', 'sushi/3'];
    const images = Object.fromEntries(names.map((name, i) => [`food/images/${name}.png`, png(i)]));
    const lists = {
      'food/meta/train.txt': 'apple_pie/1\r\n',
      'food/meta/test.json': '{"apple_pie": ["apple_pie/2"]}',
    };
    const { answers } = await samplesOf({
      ...images,
      ...lists,
      'food/meta/train.json': '{"sushi": ["sushi/3"]}',
    });
    expect(answers).toEqual([
      ['apple pie', 'train'],
      ['apple pie', 'test'],
      ['sushi', 'train'],
    ]);
  });

  it("stand in Mini-ImageNet's tables, whose classes are WordNet's and differ from part to part", async () => {
    const { answers, formats, samples } = await samplesOf({
      'train.csv': 'filename,label\na.png,n01532829\n',
      'val.csv': 'filename,label\nb.png,n02108551\n',
      'test.csv': 'filename,label\nc.png,n07613480\n',
      'images/a.png': png(1),
      'images/b.png': png(2),
      'images/c.png': png(3),
    });
    expect(formats).toEqual(['imagefolder']);
    expect(answers).toEqual([
      ['trifle', 'test'],
      ['house finch', 'train'],
      ['Tibetan mastiff', 'heldout'],
    ]);
    for (const { options } of samples) expect(options).toHaveLength(3);
  });

  it("are numbered in Hugging Face's Parquet, whose metadata or a list beside it names them", async () => {
    const root = await emptyFolder();
    const row = `SELECT {'bytes': from_hex('${Buffer.from(png(1)).toString('hex')}'), 'path': NULL::VARCHAR} AS image, 1 AS label`;
    const features = {
      info: { features: { label: { names: ['apple_pie', 'sushi'], _type: 'ClassLabel' } } },
    };
    const metadata = `, KV_METADATA {huggingface: '${JSON.stringify(features)}'}`;
    await parquetFile(join(root, 'named/train-00000-of-00001.parquet'), row, metadata);
    expect((await samplesOf(join(root, 'named'))).answers).toEqual([['sushi', 'train']]);
    const bare = join(root, 'bare/data.parquet');
    await parquetFile(bare, row);
    await expect(samplesOf(bare)).rejects.toThrow(
      /field "label": is number 1 \(from 0\), and nothing names the classes/,
    );
  });

  it('are found from a relative path, and called by their place in the folder', async () => {
    const folder = await folderWith({ 'a/1.png': png(1), 'b/2.png': png(2) });
    const { rejected, samples } = await samplesOf(relative('.', folder));
    expect(rejected).toBe(0);
    expect(samples.map(({ image }) => image!.path)).toEqual(['a/1.png', 'b/2.png']);
  });

  it('are refused, not passed over, where their format is not read or they lie in no class', async () => {
    const bmp = Uint8Array.of(0x42, 0x4d, 0, 0);
    const { rejects, samples } = await samplesOf({
      'a/1.png': png(1),
      'b/2.png': png(2),
      'b/3.bmp': bmp,
      '4.png': png(4),
    });
    expect(samples).toHaveLength(2);
    expect(rejects.map(({ field }) => field)).toEqual(['class', 'image']);
  });
});

describe('LLaVA-Instruct and TextCaps', () => {
  const turns = (asked: string, answer: string) => [
    { from: 'human', value: `<image>\n${asked}` },
    { from: 'gpt', value: answer },
  ];

  it('keeps entries with one id apart, takes the options that a question lists, and refuses text alone', async () => {
    const listed = 'What is it?\nA. a cat\nB. a dog\nAnswer with the letter.';
    const { rejects, samples } = await samplesOf({
      'mix.json': JSON.stringify([
        { id: '1', image: 'coco/train2017/1.png', conversations: turns('Why?', 'So.') },
        { id: '1', image: 'coco/train2017/1.png', conversations: turns('Where?', 'Here.') },
        { id: '2', image: 'coco/train2017/2.png', conversations: turns(listed, 'B') },
        { id: '3', image: 'coco/train2017/2.png', conversations: turns('When?', 'Now.') },
        { id: '4', conversations: turns('Hello', 'Hello.') },
      ]),
      'coco/train2017/1.png': png(1),
      'coco/train2017/2.png': png(2),
    });
    expect(rejects.map(({ field }) => field)).toEqual(['image']);
    expect(samples).toHaveLength(4);
    expect(samples[2]).toMatchObject({ question: 'What is it?', options: ['a cat', 'a dog'], answer: 1 });
    // What is said of the same picture is no wrong answer.
    expect([...samples[0]!.options].sort()).toEqual(['Now.', 'So.']);
  });

  it('takes the answer that follows the question', async () => {
    const greeting = { from: 'gpt', value: 'Hello.' };
    const entries = ['So.', 'No.'].map((answer, id) => ({
      id,
      image: `${id}.png`,
      conversations: [greeting, ...turns('Why?', answer)],
    }));
    const files = { 'a.json': JSON.stringify(entries), '0.png': png(0), '1.png': png(1) };
    expect((await samplesOf(files)).answers.map(([right]) => right)).toEqual(['So.', 'No.']);
  });

  it('names the turns of a conversation as chat models do', async () => {
    const conversations = [
      { from: 'user', value: '<image>\nWhy?' },
      { from: 'assistant', value: 'So.' },
    ];
    const entries = ['So.', 'No.'].map((value, id) => ({
      id,
      image: `${id}.png`,
      conversations: [conversations[0], { ...conversations[1], value }],
    }));
    const files = { 'chat.json': JSON.stringify(entries), '0.png': png(0), '1.png': png(1) };
    expect((await samplesOf(files)).answers.map(([right]) => right)).toEqual(['So.', 'No.']);
  });

  it('takes answers to other questions where all are about one picture', async () => {
    const entries = ['a', 'b', 'c', 'd'].map((id) => ({
      id,
      image: '1.png',
      conversations: turns(`${id}?`, id),
    }));
    const { samples } = await samplesOf({ 'one.json': JSON.stringify(entries), '1.png': png(1) });
    expect(samples.map(({ options }) => [...options].sort().join(''))).toEqual(Array(4).fill('abcd'));
  });

  it("finds TextCaps' pictures where its archives put them, and offers no other caption of the same one", async () => {
    const data = ['a', 'a', 'b', 'c'].map((image_id, i) => ({
      image_id,
      image_path: `val/${image_id}.jpg`,
      caption_id: i,
      caption_str: `${image_id} ${i}`,
      set_name: 'val',
    }));
    const jpeg = (level: number) => sharp(png(level)).jpeg().toBuffer();
    const { answers, samples } = await samplesOf({
      'TextCaps_0.1_val.json': JSON.stringify({ dataset_name: 'textcaps', data }),
      'train_images/a.jpg': await jpeg(1),
      'train_images/b.jpg': await jpeg(2),
      'train_images/c.jpg': await jpeg(3),
    });
    expect(answers).toEqual(data.map(({ caption_str }) => [caption_str, 'heldout']));
    expect([...samples[0]!.options].sort()).toEqual(['a 0', 'b 2', 'c 3']);
  });
});

describe("a team's own files", () => {
  const rows = (name: string) => `id,question,A,B,answer,decides\n1,${name}?,x,y,B,text\n`;

  it('may number their rows alike; the same file twice is read once', async () => {
    const folder = await folderWith({ 'a.csv': rows('a'), 'b.csv': rows('b') });
    const out = join(await emptyFolder(), 'out');
    const paths = [join(folder, 'a.csv'), join(folder, '*.csv')];
    const { samples } = await ingest(paths, out);
    expect(samples).toBe(2);
    expect((await readSamples(join(out, 'samples.parquet'))).map(({ id }) => id)).toEqual(['1', '1 (b.csv)']);
  });

  it('may have semicolons, NaN, base64 and paths of Windows', async () => {
    const { answers } = await samplesOf({
      'a.csv': 'question;A;B;answer;decides\r\n"x; y?";1,5;2;A;text\r\n',
    });
    expect(answers).toEqual([['1,5', 'test']]);
    const row = { question: 'is "NaN" \\ NaN?', options: ['x', 'y'], answer: 'y', decides: 'both' };
    const text = (image: string) => JSON.stringify({ hint: '@', ...row, image }).replace('"@"', 'NaN');
    const images = [base64(png(1)), 'sub\\2.png', `data:image/png;base64,${base64(png(3))}`].map(text);
    for (const content of [`${images.join('\n')}\n`, `[${images.join(',\n')}]`]) {
      const name = content.startsWith('[') ? 'a.json' : 'a.jsonl';
      const { rejects, samples } = await samplesOf({ [name]: content, 'sub/2.png': png(2) });
      expect(rejects).toEqual([]);
      expect(samples.map(({ question: asked }) => asked)).toEqual(Array(3).fill(row.question));
      expect(samples.map(({ image }) => image!.bytes)).toEqual([1, 2, 3].map(png));
    }
  });

  it('are found by links, in partitions and beside folders of photos, and not in what archives leave behind', async () => {
    const row = { question: 'q', options: ['x', 'y'], answer: 'y', decides: 'text' };
    const folder = await folderWith({
      'blobs/0123': lines([row]),
      'split=train/a.json': JSON.stringify({ ...row, question: 'p' }),
      '__MACOSX/._a.json': 'x',
      'line 1/a.png': png(1),
      'line 2/b.png': png(2),
    });
    await symlink(join(folder, 'blobs/0123'), join(folder, 'b.jsonl'));
    const { answers, formats } = await samplesOf(folder);
    expect(formats).toEqual(['table']);
    expect(answers).toEqual([
      ['y', 'test'],
      ['y', 'train'],
    ]);
  });

  it('may give options and answers in the forms that other sets have', async () => {
    const asked = { question: 'q', decides: 'text' };
    const [list, byLetter] = [['x', 'y', 'z'], { A: 'x', B: 'y', C: null }];
    const labelled = { text: ['x', 'y'], label: ['A', 'B'] };
    const forms: Record<string, unknown>[] = [
      { options: byLetter, answer: 'B' },
      { options: JSON.stringify(byLetter), answer: 'b' },
      {
        options: [
          { label: 'A', text: 'x' },
          { label: 'B', text: 'y' },
        ],
        answer: 'B',
      },
      { options: labelled, answer: 'B' },
      { options: [...list.slice(0, 2), null], answer: 1 },
      ...['(B)', 'B.', 'B) y', 'Y', 'Ｂ', '（Ｂ）'].map((answer) => ({ options: list, answer })),
      { 'Option A': 'x', 'Option B': 'y', answer: 'B' },
      { option_1: 'x', option_2: 'y', correct_answer: 'option_2' },
      { choice_a: 'x', choice_b: 'y', answer: 'B' },
      { choices: list, answer_idx: 1, split: 'test' },
      { '': 'row', A: 'x', B: 'y', D: 'z', answer: 'B' },
      { choices: list, hint: 'h', answer: 'y', image: 'sub/1.png' },
      // A number is a place where the options are texts.
      { options: ['w', 'y', '1'], answer: 1 },
    ];
    for (const form of forms) {
      const { answers, formats, rejects } = await samplesOf({
        'a.json': JSON.stringify([{ ...asked, ...form }]),
        'sub/1.png': png(1),
      });
      expect({ rejects, answers, formats }).toEqual({
        rejects: [],
        answers: [['y', 'test']],
        formats: ['table'],
      });
    }
    const { answers } = await samplesOf({
      'a.json': JSON.stringify([{ ...asked, options: [true, false], answer: 1 }]),
    });
    expect(answers).toEqual([['false', 'test']]);
  });

  it('may hold a list for each split, or one beside what is said of the whole', async () => {
    const row = (text: string) => ({ question: text, options: ['x', 'y'], answer: 'y', decides: 'text' });
    const { answers, rejected } = await samplesOf({
      'a.json': JSON.stringify({ train: [row('p'), row('q')], val: [row('r')] }),
      'b.json': JSON.stringify({ info: { version: 1 }, annotations: [row('s')] }),
    });
    expect(rejected).toBe(0);
    expect(answers.map(([, split]) => split)).toEqual(['train', 'train', 'heldout', 'test']);
  });

  it('name the options where these are at fault, and the quote that never closes', async () => {
    const row = { decides: 'text', question: 'q', answer: 1 };
    const { rejects, samples } = await samplesOf({
      'a.jsonl': lines([
        { ...row, options: ['x', 'y'] },
        { ...row, options: ['x'] },
        { ...row, options: null },
      ]),
      'b.csv': 'question,A,B,decides\np,x,y,text\n"r,x,y,text\ns,x,y,text\n',
    });
    expect(samples.map(({ question: asked }) => asked)).toEqual(['q', 'p', 's']);
    expect(rejects.map(({ field }) => field)).toEqual(['options', 'options', '']);
    expect(rejects[2]!.why).toMatch(/^a quote opens in this row and never closes/);
  });

  it('may have spaces in the header, line ends of two systems, and a list where lines are expected', async () => {
    const row = { question: 'q', options: ['x', 'y'], answer: 'y', decides: 'image' };
    const image = { bytes: base64(png(1)), path: 'gone.png' };
    const long = { ...row, question: '-'.repeat(70_000), image };
    const { rejects, samples } = await samplesOf({
      'a.csv': 'question, A, B, answer, decides\r\nq, "x, z", y, B, text\nq, x, y, A, text\r\n',
      'b.csv': 'question,A,B,answer,decides\np,x,y,B,text\r\np,x,y,A,text\n',
      'c.jsonl': JSON.stringify([{ ...row, image }]),
      'd.json': lines([
        { ...long, id: 1 },
        { ...long, id: 2 },
      ]),
    });
    expect(rejects).toEqual([]);
    expect(samples.map(({ answer }) => answer)).toEqual([1, 0, 1, 0, 1, 1, 1]);
  });

  it('may mark where the picture stands', async () => {
    const row = { question: '<image>\nWhat?', options: ['x', 'y'], decides: 'both', image: 'a.png' };
    const { samples } = await samplesOf({ 'a.jsonl': lines([row]), 'a.png': png(1) });
    expect(samples[0]!.question).toBe('What?');
  });

  it('may be written by a data frame: lists as Python shows them, numbers with a point', async () => {
    const { answers, samples } = await samplesOf({
      'a.csv': `question,options,answer,decides\nq,"['it\\'s', ""no, 'really'""]",1.0,text\np,['a' 'b'],0,text\n`,
    });
    expect(samples.map(({ options }) => options)).toEqual([
      ["it's", "no, 'really'"],
      ['a', 'b'],
    ]);
    expect(answers.map(([right]) => right)).toEqual(["no, 'really'", 'a']);
  });

  it('are not what an earlier run wrote beside them; a file is no folder to write into', async () => {
    const folder = await folderWith({ 'a.csv': rows('a') });
    for (let run = 0; run < 2; run++) expect((await ingest([folder], folder)).samples).toBe(1);
    await expect(ingest([folder], join(folder, 'a.csv'))).rejects.toThrow(
      /--out .*a\.csv: is a file; name a folder/,
    );
  });

  it('hold pictures that cannot be decoded, which are refused before a diagnosis meets them', async () => {
    const whole = await sharp(png(1)).webp({ lossless: true }).toBuffer();
    // A whole frame by its header, and nonsense in it.
    const broken = Uint8Array.from(whole, (byte, i) => (i < 22 ? byte : 255));
    const row = (image: string) => ({
      id: image,
      question: 'q',
      options: ['x', 'y'],
      decides: 'image',
      image,
    });
    const { rejects, samples } = await samplesOf({
      'a.jsonl': lines([row('whole.webp'), row('broken.webp'), row('http://example.com/a.jpg')]),
      'whole.webp': whole,
      'broken.webp': broken,
    });
    expect(samples.map(({ id }) => id)).toEqual(['whole.webp']);
    expect(rejects[0]!.why).toMatch(/it cannot be decoded/);
    expect(rejects[1]!.why).toMatch(/nothing is downloaded/);
  });
});
