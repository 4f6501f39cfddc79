import { Random } from '../../random/index.ts';
import { type Draft, Fault, kinds, textCell } from '../draft.ts';
import type { RawRow } from '../raw.ts';

const wrongOptions = 3;
/** Wrong answers are drawn from this many others at most. */
const poolSize = 20_000;

/** A question about a picture with an answer in the data's own words. */
interface OpenQuestion {
  id: string;
  question: string;
  answer: string;
  image: unknown;
  source: string;
}

/** LLaVA-Instruct: conversations of `human` and `gpt`; the first exchange about the image is taken. */
function llavaQuestion({ values }: RawRow): OpenQuestion {
  const { conversations } = values;
  const turns = Array.isArray(conversations) ? (conversations as Record<string, unknown>[]) : [];
  const [asked, answered] = ['human', 'gpt'].map((who) => turns.find((turn) => turn?.from === who));
  const question = textCell(asked?.value)?.replaceAll('<image>', '').trim();
  const answer = textCell(answered?.value);
  if (!question || answer === null) {
    throw new Fault(
      'conversations',
      'expected a turn of "human" and one of "gpt", each with text in "value"',
    );
  }
  const image = textCell(values.image);
  if (image === null)
    throw new Fault('image', 'there is none: text alone is no training sample for two modalities');
  return { id: `llava ${textCell(values.id) ?? ''}`, question, answer, image, source: image };
}

/** TextCaps: one caption an entry of `data`; the image is `<image_id>.jpg` unless `image_path` names it. */
function textCapsQuestion({ row, values }: RawRow): OpenQuestion {
  const references = Array.isArray(values.reference_strs) ? values.reference_strs : [];
  const answer = textCell(values.caption_str) ?? textCell(references[0]);
  if (answer === null) throw new Fault('caption_str', 'expected the text of the caption');
  const name = textCell(values.image_id);
  if (name === null) throw new Fault('image_id', 'expected the name of the image');
  return {
    id: `textcaps ${textCell(values.caption_id) ?? row}`,
    question: 'Which of these describes the picture?',
    answer,
    image: textCell(values.image_path) ?? `${name}.jpg`,
    source: name,
  };
}

export const freeText = { llava: llavaQuestion, textcaps: textCapsQuestion } as const;

/** The answers that wrong options are drawn from. */
export async function answerPool(
  rows: AsyncIterable<RawRow>,
  read: (row: RawRow) => OpenQuestion,
): Promise<string[]> {
  const pool = new Set<string>();
  for await (const row of rows) {
    if (pool.size >= poolSize) break;
    try {
      pool.add(read(row).answer);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }
  return [...pool];
}

/** The data's own answer among drawn answers to other questions, in a drawn order. VQA. */
export function asChoice(
  read: (row: RawRow) => OpenQuestion,
  pool: readonly string[],
  seed: number,
): (row: RawRow) => Draft {
  return (row) => {
    const { answer, ...open } = read(row);
    const random = new Random(seed, 'ingest', open.id);
    const others = new Set<string>();
    for (let tries = 0; others.size < wrongOptions && pool.length > 1 && tries < 20 * wrongOptions; tries++) {
      const other = random.pick(pool);
      if (other !== answer) others.add(other);
    }
    const options = random.shuffle([answer, ...others]);
    return { ...open, taskKind: kinds.both, split: 'train', options, answer: options.indexOf(answer) };
  };
}
