import { readFile } from 'node:fs/promises';
import { ErrorCode, GuardError } from '../../schemas/errors.ts';

/** Lexicographer files of nouns in WordNet 3.0, number 3 onwards (lexnames(5WN)). */
const lexicographerFiles = (
  'Tops act animal artifact attribute body cognition communication event feeling food group location motive ' +
  'object person phenomenon plant possession process quantity relation shape state substance time'
).split(' ');

export interface Synset {
  file: string;
  words: string[];
  /** Pointer symbol and target offset, nouns only. */
  pointers: [symbol: string, offset: string][];
}

/** One single-word noun: its senses in WordNet's order, each with the count of its use in tagged texts. */
export interface Noun {
  lemma: string;
  senses: { offset: string; file: string; count: number }[];
  /** Count over all parts of speech. */
  countAll: number;
}

async function lines(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'latin1');
  } catch (cause) {
    throw new GuardError(ErrorCode.BadInput, `${file}: expected a file of WordNet 3 (package wordnet-base)`, {
      cause,
    });
  }
  return text.split('\n').filter((line) => line !== '' && !line.startsWith(' '));
}

function parseSynset(line: string): [string, Synset] {
  const fields = (line.split('|')[0] as string).trim().split(' ');
  const wordCount = Number.parseInt(fields[3] as string, 16);
  const words = Array.from({ length: wordCount }, (_, i) => fields[4 + 2 * i] as string);
  const start = 4 + 2 * wordCount;
  const pointers: Synset['pointers'] = [];
  for (let i = 0; i < Number(fields[start]); i++) {
    const at = start + 1 + 4 * i;
    if (fields[at + 2] === 'n') pointers.push([fields[at] as string, fields[at + 1] as string]);
  }
  const file = `noun.${lexicographerFiles[Number(fields[1]) - 3]}`;
  return [fields[0] as string, { file, words, pointers }];
}

export interface WordNet {
  synsets: Map<string, Synset>;
  /** Nouns of lower-case ASCII letters alone, in alphabetical order. */
  nouns: Noun[];
}

/** Reads index.noun, data.noun and cntlist.rev from `folder`. */
export async function readWordNet(folder: string): Promise<WordNet> {
  const synsets = new Map((await lines(`${folder}/data.noun`)).map(parseSynset));
  const counts = new Map<string, number>();
  const countAll = new Map<string, number>();
  for (const line of await lines(`${folder}/cntlist.rev`)) {
    const [key, sense, count] = line.split(' ') as [string, string, string];
    const [lemma, rest] = key.split('%') as [string, string];
    countAll.set(lemma, (countAll.get(lemma) ?? 0) + Number(count));
    if (rest.startsWith('1:')) counts.set(`${lemma} ${sense}`, Number(count));
  }
  const nouns: Noun[] = [];
  for (const line of await lines(`${folder}/index.noun`)) {
    const fields = line.trim().split(' ');
    const lemma = fields[0] as string;
    if (!/^[a-z]+$/.test(lemma)) continue;
    const senses = fields.slice(6 + Number(fields[3])).map((offset, i) => ({
      offset,
      file: (synsets.get(offset) as Synset).file,
      count: counts.get(`${lemma} ${i + 1}`) ?? 0,
    }));
    nouns.push({ lemma, senses, countAll: countAll.get(lemma) ?? 0 });
  }
  return { synsets, nouns };
}

/** Offsets of the synsets that contain one of `roots` in `file`, and of all that lie below them. */
export function below(wordnet: WordNet, file: string, roots: readonly string[]): Set<string> {
  const found = new Set<string>();
  const queue = [...wordnet.synsets]
    .filter(([, synset]) => synset.file === file && synset.words.some((word) => roots.includes(word)))
    .map(([offset]) => offset);
  for (let offset = queue.pop(); offset !== undefined; offset = queue.pop()) {
    if (found.has(offset)) continue;
    found.add(offset);
    for (const [symbol, target] of wordnet.synsets.get(offset)?.pointers ?? []) {
      if (symbol === '~') queue.push(target);
    }
  }
  return found;
}
