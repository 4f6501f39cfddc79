import { Random } from '../../random/index.ts';
import { digestOfBytes } from '../../store/index.ts';
import { AnyOf, type Draft, Fault, kinds, oneImage, placeOf, textCell } from '../draft.ts';
import type { RawRow } from '../raw.ts';
import { askedWithOptions } from './options.ts';

const wrongOptions = 3;
/** Wrong answers are drawn from this many others at most. */
const poolSize = 20_000;

/** A question about a picture with an answer in the data's own words. */
interface OpenQuestion {
  id: string;
  question: string;
  answer: string;
  /** Options that the question itself names; the answer is one of them. */
  options?: string[];
  /** All right answers, where there are several: then whatever else is said of the picture is right, too. */
  alsoRight?: readonly string[];
  image: unknown;
  /** The picture; '' where nothing tells it from others. */
  source: string;
  split?: string | undefined;
}

/** The letter of an answer such as "B", "(B) blue" or "The answer is B."; undefined: it is none. */
function letterIn(answer: string): string | undefined {
  const text = answer.trim();
  const [, alone] = /^\(?([A-J])(?:[.:)]|\s*$)/.exec(text) ?? [];
  return alone ?? [...text.matchAll(/\b(?:answer|option)(?: is)?:?\s*\(?([A-J])(?![\w'])\)?/gi)].at(-1)?.[1];
}

/**
 * A question that lists its options, and is answered by a letter or by one of them. @throws Fault where the letter is none of
 * those of the options
 */
function ownOptions(question: string, answer: string): Pick<OpenQuestion, 'question' | 'answer' | 'options'> {
  const listed = askedWithOptions(question);
  if (!listed) return { question, answer };
  const options = listed.choices.map(({ text }) => text);
  const letter = letterIn(answer);
  const place = letter === undefined ? placeAmong(options, answer) : placeOf(letter);
  const right = options[place];
  if (right !== undefined) return { question: listed.before, answer: right, options };
  if (letter === undefined) return { question, answer };
  throw new Fault(
    'conversations',
    `the answer is the letter ${letter}, and the question lists ${options.length} options`,
  );
}

function placeAmong(options: readonly string[], answer: string): number {
  const plain = (text: string) => text.trim().toLowerCase().replace(/\.$/, '');
  return options.findIndex((option) => plain(option) === plain(answer));
}

/** What tells pictures apart: the path, or the bytes, as those of a table may all be called "image.png". */
function pictureOf(image: unknown): string {
  if (typeof image === 'string') return image;
  const { bytes, path } = image as { bytes?: unknown; path?: unknown };
  return bytes instanceof Uint8Array ? digestOfBytes(bytes) : (textCell(path) ?? '');
}

/** How conversations call who asks and who answers. */
const asks = ['human', 'user'];
const answers = ['gpt', 'assistant'];

/** LLaVA-Instruct: conversations of `human` and `gpt`; the first exchange about the image is taken. Ids come more than once. */
function llavaQuestion({ row, values }: RawRow): OpenQuestion {
  const { conversations } = values;
  const turns = Array.isArray(conversations) ? (conversations as Record<string, unknown>[]) : [];
  const first = turns.findIndex((turn) => asks.includes(String(turn?.from)));
  const asked = turns[first];
  const answered = turns.slice(first + 1).find((turn) => answers.includes(String(turn?.from)));
  const question = textCell(asked?.value)?.replaceAll('<image>', '').trim();
  const answer = textCell(answered?.value);
  if (!question || answer === null) {
    throw new Fault(
      'conversations',
      'expected a turn of "human" and one of "gpt", each with text in "value"',
    );
  }
  const found = oneImage(values.image);
  const image = typeof found === 'object' ? found : textCell(found);
  if (image === null)
    throw new Fault('image', 'there is none: text alone is no training sample for two modalities');
  const id = `llava ${textCell(values.id) ?? ''} ${row}`;
  return { id, ...ownOptions(question, answer), image, source: pictureOf(image) };
}

/** Texts of a cell that holds one or a list of them. */
const textsIn = (cell: unknown) =>
  (Array.isArray(cell) ? cell : [cell]).flatMap((one) => textCell(one) ?? []);

/**
 * TextCaps: one caption an entry of `data`, or in Parquet a list of them; the image is in the table, or `<image_id>.jpg` in the
 * folders that the authors' archives unpack to, unless `image_path` leads to it.
 */
function textCapsQuestion({ row, values }: RawRow): OpenQuestion {
  const captions = [...textsIn(values.caption_str), ...textsIn(values.reference_strs)];
  const answer = captions[0];
  if (answer === undefined) throw new Fault('caption_str', 'expected the text of the caption');
  const name = textCell(values.image_id);
  if (name === null) throw new Fault('image_id', 'expected the name of the image');
  const path = textCell(values.image_path);
  const folders = ['train_images', 'test_images', 'train_val_images/train_images', '.'];
  const places = [...(path === null ? [] : [path]), ...folders.map((folder) => `${folder}/${name}.jpg`)];
  return {
    id: `textcaps ${Array.isArray(values.caption_id) ? name : (textCell(values.caption_id) ?? row)}`,
    question: 'Which of these describes the picture?',
    answer,
    alsoRight: captions,
    image: values.image ?? new AnyOf(places),
    source: name,
    split: textCell(values.set_name) ?? undefined,
  };
}

/** The caption's id, of a list of captions the picture's; null: there is none. */
export const captionId = ({ values }: RawRow): string | null =>
  textCell(Array.isArray(values.caption_id) ? values.image_id : values.caption_id);

export const freeText = { llava: llavaQuestion, textcaps: textCapsQuestion } as const;

/** An answer that may stand as a wrong option beside others. */
interface PoolAnswer {
  answer: string;
  source: string;
}

/** The answers that wrong options are drawn from. */
export async function answerPool(
  rows: AsyncIterable<RawRow>,
  read: (row: RawRow) => OpenQuestion,
): Promise<PoolAnswer[]> {
  const pool = new Map<string, PoolAnswer>();
  for await (const row of rows) {
    if (pool.size >= poolSize) break;
    try {
      const { answer, options, source } = read(row);
      if (!options) pool.set(answer, { answer, source });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }
  return [...pool.values()];
}

/**
 * Answers to questions about other pictures, as what is said of the same one may be right; where all questions are about one
 * picture, answers to other questions about it, but no other right ones.
 */
function drawnOptions(open: OpenQuestion, pool: readonly PoolAnswer[], seed: number): string[] {
  const { alsoRight, answer, id, source } = open;
  const random = new Random(seed, 'ingest', id);
  const right = new Set([answer, ...(alsoRight ?? [])]);
  const draw = (fits: (other: PoolAnswer) => boolean) => {
    const others = new Set<string>();
    for (let tries = 0; others.size < wrongOptions && pool.length > 1 && tries < 20 * wrongOptions; tries++) {
      const other = random.pick(pool);
      if (fits(other) && !right.has(other.answer)) others.add(other.answer);
    }
    return others;
  };
  const elsewhere = draw((other) => source === '' || other.source !== source);
  const others = elsewhere.size > 0 || alsoRight ? elsewhere : draw(() => true);
  return random.shuffle([answer, ...others]);
}

/** The data's own answer among its own options, or among drawn answers to other questions in a drawn order. VQA. */
export function asChoice(
  read: (row: RawRow) => OpenQuestion,
  pool: readonly PoolAnswer[],
  seed: number,
): (row: RawRow) => Draft {
  return (row) => {
    const open = read(row);
    const { answer, id, image, question, source, split = 'train' } = open;
    const options = open.options ?? drawnOptions(open, pool, seed);
    return {
      id,
      question,
      image,
      source,
      taskKind: kinds.both,
      split,
      options,
      answer: options.indexOf(answer),
    };
  };
}
