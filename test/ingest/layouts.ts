import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
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
