import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { encode } from 'fast-png';
import { afterAll } from 'vitest';

const made: string[] = [];
afterAll(() => Promise.all(made.map((folder) => rm(folder, { recursive: true, force: true }))));

export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'guard-ingest-'));
  made.push(folder);
  return folder;
}

/** A small PNG; each `level` has its own bytes. */
export function png(level: number): Uint8Array {
  return encode({ width: 4, height: 4, channels: 3, data: new Uint8Array(48).fill(level % 256) });
}

export type Files = Record<string, string | Uint8Array>;

/** Writes files under a folder of their own. @returns the folder */
export async function folderWith(files: Files, name = 'data'): Promise<string> {
  const folder = join(await emptyFolder(), name);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

/** Writes a Parquet file by another program's writer. `select` gives its rows in SQL. */
export async function parquetFile(path: string, select: string, options = ''): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet${options})`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

export const lines = (rows: readonly unknown[]) => `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`;

/** The layouts as their authors publish them, with a few rows each. */
export const published = {
  openbookqa: {
    'Data/Main/test.jsonl': lines(
      ['C', 'A'].map((answerKey, i) => ({
        id: `8-${i}`,
        question: {
          stem: 'A person wants to start saving money, so that they',
          choices: ['make phone calls', 'quit eating', 'buy less', 'have lunch'].map((text, place) => ({
            text,
            label: 'ABCD'[place],
          })),
        },
        answerKey,
      })),
    ),
  },
  arc: {
    'ARC-Challenge/ARC-Challenge-Test.jsonl': lines([
      {
        id: 'Mercury_7175875',
        question: {
          stem: 'Which of these conducts heat best?',
          choices: [
            { text: 'wood', label: '1' },
            { text: 'copper', label: '2' },
            { text: 'glass', label: '3' },
          ],
        },
        answerKey: '2',
      },
    ]),
  },
  mmlu: {
    'data/test/high_school_physics_test.csv':
      '"A ball, thrown ""up""",rises,falls,stays,turns,A\n"What is\nforce?",m/a,ma,a/m,m+a,B\n',
  },
  scienceqa: {
    'data/scienceqa/problems.json': JSON.stringify({
      1: {
        question: 'Which state is farthest north?',
        choices: ['Maine', 'Ohio'],
        answer: 0,
        hint: 'Look at the map.',
        image: 'image.png',
        task: 'closed choice',
        subject: 'social science',
        lecture: 'Maps have four directions.',
        split: 'test',
      },
      2: {
        question: 'Which is a solid?',
        choices: ['ice', 'steam'],
        answer: 0,
        hint: '',
        image: null,
        split: 'train',
      },
    }),
    'data/scienceqa/pid_splits.json': '{"test": ["1"], "train": ["2"]}',
    'data/scienceqa/images/test/1/image.png': png(1),
  },
  mmbench: {
    'MMBench_DEV_EN.tsv': [
      'index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tsource\tl2-category\tcomment\tsplit',
      `241\tWhat is shown?\tnan\ta cat\ta dog\t\t\tB\tobject\t${Buffer.from(png(2)).toString('base64')}\tx\ty\t\tdev`,
      `1000241\tWhat is shown?\tSee it.\ta dog\ta cat\ta cow\t\tA\tobject\t241\tx\ty\t\tdev`,
      '',
    ].join('\n'),
  },
  seedbench: {
    'SEED-Bench.json': JSON.stringify({
      questions: [
        {
          answer: 'A',
          choice_a: 'One',
          choice_b: 'Two',
          choice_c: 'Three',
          choice_d: 'Four',
          data_id: '1454426_2591111986',
          data_type: 'image',
          question: 'How many towels are in the image?',
          question_id: '101669',
          question_type_id: 5,
        },
        {
          answer: 'A',
          choice_a: 'a',
          choice_b: 'b',
          choice_c: 'c',
          choice_d: 'd',
          data_id: 'v.mp4',
          data_type: 'video',
          question: 'What happens?',
          question_id: '2',
          question_type_id: 10,
        },
      ],
      question_type: { 'Scene Understanding': 1 },
    }),
    'SEED-Bench-image/1454426_2591111986': png(3),
  },
  imagefolder: {
    'food-101/images/apple_pie/1.png': png(4),
    'food-101/images/apple_pie/2.png': png(5),
    'food-101/images/baby_back_ribs/3.png': png(6),
    'food-101/images/sushi/4.png': png(7),
    'food-101/images/tacos/5.png': png(8),
    'food-101/meta/classes.txt': 'apple_pie\nbaby_back_ribs\nsushi\ntacos\n',
    'food-101/meta/test.json': '{"apple_pie": ["apple_pie/1"]}',
  },
  llava: {
    'llava_instruct.json': JSON.stringify(
      [0, 1, 2, 3].map((i) => ({
        id: `00000003321${i}`,
        image: `${i === 3 ? 'coco/train2017/' : ''}00000003321${i}.png`,
        conversations: [
          { from: 'human', value: '<image>\nWhat is this?' },
          { from: 'gpt', value: `It is thing number ${i}.` },
        ],
      })),
    ),
    '000000033210.png': png(9),
    '000000033211.png': png(10),
    '000000033212.png': png(11),
    'train2017/000000033213.png': png(12),
  },
  textcaps: {
    'TextCaps_0.1_val.json': JSON.stringify({
      dataset_type: 'val',
      data: [0, 1, 2].map((i) => ({
        image_id: `000${i}`,
        caption_id: i,
        caption_str: `A sign that says ${i}`,
        reference_strs: [`A sign that says ${i}`],
        image_path: `val/000${i}.png`,
      })),
    }),
    'val/0000.png': png(13),
    'val/0001.png': png(14),
    'val/0002.png': png(15),
  },
} as const satisfies Record<string, Files>;

const choices = [
  { text: 'ice', label: '1' },
  { text: 'fog', label: '2' },
];
const hex = (level: number) => `from_hex('${Buffer.from(png(level)).toString('hex')}')`;
const picture = (level: number) => `{'bytes': ${hex(level)}, 'path': 'image.png'}`;

/** Further forms in which they are handed out, and tables of a team's own. */
export const otherForms: readonly { layout: keyof typeof published | 'table'; files: Files }[] = [
  {
    layout: 'openbookqa',
    files: {
      'Main/train.tsv': 'ID\tQuestion Stem\tChoices\tAnswer Key\na\tWhat?\t(A) ice (B) fog\tB\n',
      'Additional/train_complete.jsonl': lines([
        { id: 'a', question: { stem: 'What?', choices }, answerKey: '2', fact1: 'ice melts' },
      ]),
    },
  },
  {
    layout: 'arc',
    files: { 'ARC-Easy-Dev.csv': 'questionID,AnswerKey,question\nM1,2,Which? (1) a (2) b\n' },
  },
  {
    layout: 'mmlu',
    files: {
      'mmlu.csv': ',Question,A,B,C,D,Answer,Subject\n0,q,w,x,y,z,C,law\n',
      'auxiliary_train/race.csv': 'p,w,x,y,z,D\n',
    },
  },
  {
    layout: 'mmbench',
    files: {
      'x.tsv': `index\tquestion\tA\tB\tanswer\timage\n1000007\tq\tx\ty\tB\t7\n7\tq\ty\tx\tA\t${Buffer.from(png(1)).toString('base64')}\n`,
    },
  },
  {
    layout: 'seedbench',
    files: {
      'v2.json': JSON.stringify({
        question_type: { Scene: 1 },
        questions: [
          {
            question: 'q',
            choice_a: 'a',
            choice_b: 'b',
            answer: 'B',
            data_type: 'Image',
            data_id: ['1.png'],
            question_id: '1',
          },
        ],
      }),
      '1.png': png(1),
    },
  },
  {
    layout: 'imagefolder',
    files: {
      'train.csv': 'filename,label\na.png,n01532829\n',
      'test.csv': 'filename,label\nb.png,1\n',
      'classes.txt': 'ice\nfog\n',
      'images/a.png': png(1),
      'images/b.png': png(2),
    },
  },
  {
    layout: 'llava',
    files: {
      'mix.jsonl': lines([
        {
          id: 1,
          image: '1.png',
          conversations: [
            { from: 'human', value: '<image>\nWhat?\nA. ice\nB. fog' },
            { from: 'gpt', value: 'B' },
          ],
        },
        { id: 2, conversations: [] },
      ]),
      '1.png': png(1),
    },
  },
  {
    layout: 'table',
    files: {
      'a.csv': `id;question;options;answer;decides;image\r\n1;"x; y?";['a', 'b'];1.0;both;1.png\r\n`,
      'b.json': JSON.stringify([
        {
          id: 1,
          question: 'NaN?',
          A: 'x',
          B: 'y',
          answer: 'B',
          decides: 'both',
          image: `data:image/png;base64,${Buffer.from(png(2)).toString('base64')}`,
          split: 'val',
        },
      ]),
      '1.png': png(1),
    },
  },
];

/** Hugging Face's Parquet of each layout. */
export async function parquetForms(): Promise<{ layout: keyof typeof published; files: Files }[]> {
  const selects = {
    openbookqa:
      "SELECT 'a' AS id, 'What?' AS question_stem, {'text': ['x', 'y'], 'label': ['A', 'B']} AS choices, 'B' AS answerKey",
    mmlu: "SELECT {'answer': 3, 'choices': ['a', 'b', 'c', 'd'], 'question': 'extra', 'subject': ''} AS train",
    scienceqa: `SELECT ${picture(1)} AS image, 'q' AS question, ['a', 'b'] AS choices, 1 AS answer, '' AS hint, 'l' AS lecture`,
    mmbench: `SELECT 5 AS index, 'q' AS question, 'x' AS A, 'y' AS B, 'A' AS answer, ${picture(2)} AS image`,
    seedbench: `SELECT 'q' AS question, 'a' AS choice_a, 'b' AS choice_b, 'A' AS answer, '1' AS question_id, [${picture(3)}] AS image`,
    imagefolder: `SELECT ${picture(4)} AS image, 'tacos' AS label UNION ALL SELECT ${picture(5)}, 'sushi'`,
    llava: `SELECT i AS id, {'bytes': NULL, 'path': '1.png'} AS image, [{'from': 'human', 'value': 'q'}, {'from': 'gpt', 'value': 'a' || i}] AS conversations FROM range(3) t(i)`,
    textcaps: `SELECT 'i' || i AS image_id, ${picture(6)} AS image, ['cap ' || i, 'other ' || i] AS caption_str FROM range(3) t(i)`,
  } as const;
  const folder = await emptyFolder();
  const forms = Object.entries(selects).map(async ([layout, select]) => {
    const path = join(folder, `${layout}.parquet`);
    await parquetFile(path, select);
    const files = { 'data/train-00000-of-00001.parquet': await readFile(path), 'data/1.png': png(7) };
    return { layout: layout as keyof typeof selects, files };
  });
  return Promise.all(forms);
}

/** Of the Parquet file of rejects. */
export const rejectColumns = {
  file: { kind: 'string' },
  row: { kind: 'int64' },
  field: { kind: 'string' },
  why: { kind: 'string' },
} as const;
