import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Random } from '../../random/index.ts';
import { dataFolder } from '../folder.ts';
import { below, type Noun, type WordNet } from './wordnet.ts';
import { categories, clothing, clothingCategory } from './words.ts';

export const perCategory = 250;
export const heldOutNouns = 242;

/** The nouns of the benchmark with their category; held-out ones never stand in a question of the pre-training. */
export const NounEntry = z.strictObject({ noun: z.string(), category: z.string(), heldOut: z.boolean() });
export type NounEntry = z.infer<typeof NounEntry>;

/** A category must carry this share of a noun's uses, and nouns this share of the word's uses. */
const dominance = 0.75;
const nounShare = 0.5;
/** Words of the prompts; as answers they would be ambiguous. */
const promptWords = [
  'question',
  'option',
  'answer',
  'item',
  'picture',
  'fact',
  'caption',
  'photo',
  'fashion',
  'top',
];
/** Words that a question for everybody does without and that WordNet does not mark. */
const unfit =
  /^(suicide|tit|murderer|genitalia|anus|urine|dung|buttocks|breast|testicle|abortion|murder|slave|pussy|ballock|sexiness|virgin|masochism|excrement|excreta|sadism)$/;
/** Usage marks of WordNet. */
const marks = ['ethnic_slur', 'disparagement', 'obscenity', 'vulgarism', 'derogation', 'dirty_word', 'slang'];

interface Candidate {
  lemma: string;
  category: string;
  count: number;
  hyponyms: number;
}

function dominantFile(noun: Noun): string | null {
  const total = noun.senses.reduce((sum, sense) => sum + sense.count, 0);
  const first = noun.senses[0]?.file ?? null;
  if (total === 0)
    return noun.countAll === 0 && noun.senses.every((sense) => sense.file === first) ? first : null;
  const inFirst = noun.senses
    .filter((sense) => sense.file === first)
    .reduce((sum, sense) => sum + sense.count, 0);
  return inFirst / total >= dominance && total / noun.countAll >= nounShare ? first : null;
}

/** True where WordNet writes the word with a capital: a name. */
function isName(wordnet: WordNet, noun: Noun): boolean {
  const words = wordnet.synsets.get(noun.senses[0]?.offset ?? '')?.words ?? [];
  return !words.includes(noun.lemma);
}

function candidates(wordnet: WordNet): Candidate[] {
  const byFile = new Map(Object.entries(categories).map(([category, file]) => [file, category]));
  const worn = below(wordnet, 'noun.artifact', [
    'clothing',
    'footwear',
    'garment',
    'bag',
    'purse',
    'fabric',
    ...clothing,
  ]);
  const marked = new Set(
    [...wordnet.synsets]
      .filter(([, s]) => s.words.some((word) => marks.includes(word)))
      .map(([offset]) => offset),
  );
  const result: Candidate[] = [];
  for (const noun of wordnet.nouns) {
    const category = byFile.get(dominantFile(noun) ?? '');
    if (category === undefined || noun.lemma.length < 3 || noun.lemma.length > 12) continue;
    const offsets = noun.senses.map((sense) => sense.offset);
    if (offsets.some((offset) => worn.has(offset)) || unfit.test(noun.lemma)) continue;
    if (offsets.some((o) => wordnet.synsets.get(o)?.pointers.some(([, target]) => marked.has(target))))
      continue;
    if ([...promptWords, ...clothing, ...Object.keys(categories), clothingCategory].includes(noun.lemma))
      continue;
    // A name of a place is common knowledge; names of persons, animals and so on are not.
    if (category !== 'place' && isName(wordnet, noun)) continue;
    const pointers = wordnet.synsets.get(offsets[0] as string)?.pointers ?? [];
    const hyponyms = pointers.filter(([symbol]) => symbol === '~').length;
    result.push({
      lemma: noun.lemma,
      category,
      count: noun.senses.reduce((a, s) => a + s.count, 0),
      hyponyms,
    });
  }
  return result;
}

/**
 * Picks the nouns: at most 250 a category, by their count in tagged texts, then (for nouns never counted) by the
 * number of kinds below them, which common nouns have and rare ones lack.
 */
export function selectNouns(wordnet: WordNet, seed: number): NounEntry[] {
  const all = candidates(wordnet);
  const chosen = Object.keys(categories).flatMap((category) =>
    all
      .filter((c) => c.category === category && (c.count > 0 || c.hyponyms > 0))
      .sort((a, b) => b.count - a.count || b.hyponyms - a.hyponyms || (a.lemma < b.lemma ? -1 : 1))
      .slice(0, perCategory),
  );
  const heldOut = new Set(new Random(seed, 'held-out nouns').sample(chosen, heldOutNouns));
  return chosen.map((c) => ({ noun: c.lemma, category: c.category, heldOut: heldOut.has(c) }));
}

/** The nouns that ship with the benchmark. */
export function shippedNouns(): NounEntry[] {
  return z
    .array(NounEntry)
    .parse(JSON.parse(readFileSync(join(dataFolder(), 'benchmark', 'nouns.json'), 'utf8')));
}
