import { Random } from '../../random/index.ts';
import { type EncodedImage, type Sample, Split, TaskKind } from '../../schemas/benchmark.ts';
import { arrange, categoryDistractors, itemDistractors } from './corpus.ts';
import { gridPng, photoKey, photoPng } from './grid.ts';
import type { Photos } from './idx.ts';
import type { NounEntry } from './nouns.ts';
import { categories, categoryQuestion, clothing, cornerQuestion, itemQuestion } from './words.ts';

/** Samples of each kind in a split; of the text-heavy ones, `heldOutNouns` ask about nouns never met in questions. */
export interface SplitSize {
  imageHeavy: number;
  textHeavy: number;
  heldOutNouns: number;
  vqa: number;
}

export const sizes: Readonly<Record<Split, SplitSize>> = {
  train: { imageHeavy: 2000, textHeavy: 2000, heldOutNouns: 0, vqa: 2500 },
  test: { imageHeavy: 1000, textHeavy: 1000, heldOutNouns: 120, vqa: 1000 },
  heldout: { imageHeavy: 600, textHeavy: 600, heldOutNouns: 120, vqa: 600 },
};
/** Test and held-out samples must allow `switch_target`: at least this share has a clothing word among its wrong options. */
export const clothingDistractorFloor = 0.7;

/** Photos in random order; each is taken once, and none whose pixels another has. */
class PhotoDeck {
  readonly photos: Photos;
  private readonly order: number[];
  private readonly seen: Set<string>;
  private readonly prefix: string;

  constructor(photos: Photos, prefix: string, seed: number, seen: Set<string>) {
    this.photos = photos;
    this.prefix = prefix;
    this.seen = seen;
    this.order = new Random(seed, 'photos', prefix).shuffle(
      Array.from({ length: photos.count }, (_, i) => i),
    );
  }

  take(): number {
    for (let index = this.order.pop(); index !== undefined; index = this.order.pop()) {
      const key = photoKey(this.photos, index);
      if (this.seen.has(key)) continue;
      this.seen.add(key);
      return index;
    }
    throw new RangeError(`the photos of ${this.prefix} are used up`);
  }

  name(index: number): string {
    return clothing[this.photos.labels[index] as number] as string;
  }

  id(index: number): string {
    return `${this.prefix}-${index}`;
  }
}

const named = (bytes: Uint8Array, id: string): EncodedImage => ({ bytes, path: `${id}.png` });

/** Number padded with zeros, so that ids sort as they were made. */
const numbered = (split: Split, kind: string, i: number) => `${split}-${kind}-${String(i).padStart(5, '0')}`;

function imageHeavy(split: Split, i: number, deck: PhotoDeck, random: Random): Sample {
  const photo = deck.take();
  const right = deck.name(photo);
  const { options, answer } = arrange(random, right, itemDistractors(random, right, []));
  const id = numbered(split, 'image', i);
  const image = named(photoPng(deck.photos, photo), id);
  const source = `photo:${deck.id(photo)}`;
  return {
    id,
    taskKind: TaskKind.ImageHeavy,
    split,
    question: itemQuestion,
    options,
    answer,
    context: null,
    image,
    source,
  };
}

function vqa(split: Split, i: number, deck: PhotoDeck, random: Random): Sample {
  const photos = [deck.take(), deck.take(), deck.take(), deck.take()];
  const corner = random.int(4);
  const right = deck.name(photos[corner] as number);
  const wrong = itemDistractors(
    random,
    right,
    photos.map((photo) => deck.name(photo)),
  );
  const { options, answer } = arrange(random, right, wrong);
  const id = numbered(split, 'vqa', i);
  const image = named(gridPng(deck.photos, photos), id);
  const source = `photos:${photos.map((photo) => deck.id(photo)).join('+')}`;
  return {
    id,
    taskKind: TaskKind.Vqa,
    split,
    question: cornerQuestion(corner),
    options,
    answer,
    context: null,
    image,
    source,
  };
}

function textHeavy(
  split: Split,
  i: number,
  entry: NounEntry,
  nouns: readonly NounEntry[],
  withClothing: boolean,
  random: Random,
): Sample {
  let wrong = categoryDistractors(random, entry.category, nouns);
  const fits = () => wrong.some((word) => clothing.includes(word)) === withClothing;
  while (!fits()) wrong = categoryDistractors(random, entry.category, nouns);
  const { options, answer } = arrange(random, entry.noun, wrong);
  const id = numbered(split, 'text', i);
  const question = categoryQuestion(entry.category);
  const source = `${entry.heldOut ? 'held-out noun' : 'noun'}:${entry.noun}`;
  return {
    id,
    taskKind: TaskKind.TextHeavy,
    split,
    question,
    options,
    answer,
    context: null,
    image: null,
    source,
  };
}

/** The nouns that are the answers in each split: a noun's questions all lie in one split. */
function answerNouns(nouns: readonly NounEntry[], seed: number): Record<Split, NounEntry[]> {
  const random = new Random(seed, 'answer nouns');
  const asked = random.shuffle(nouns.filter((entry) => !entry.heldOut));
  const heldOut = random.shuffle(nouns.filter((entry) => entry.heldOut));
  const take = (size: SplitSize) => [
    ...heldOut.splice(0, size.heldOutNouns),
    ...asked.splice(0, size.textHeavy - size.heldOutNouns),
  ];
  const test = take(sizes.test);
  const heldout = take(sizes.heldout);
  const train = Array.from({ length: sizes.train.textHeavy }, (_, i) => asked[i % asked.length] as NounEntry);
  return { train, test, heldout };
}

/** Nouns whose category is `categories`' key, all of which may be distractors: none is held out. */
function distractorNouns(nouns: readonly NounEntry[]): NounEntry[] {
  return nouns.filter((entry) => !entry.heldOut && entry.category in categories);
}

export interface PackSources {
  train: Photos;
  test: Photos;
  nouns: readonly NounEntry[];
}

/** All samples of a benchmark, by split. The same sources and seed give the same samples. */
export function buildPack(sources: PackSources, seed: number): Record<Split, Sample[]> {
  const seen = new Set<string>();
  // The test photos first: a photo that occurs twice belongs to them.
  const testDeck = new PhotoDeck(sources.test, 't10k', seed, seen);
  const answers = answerNouns(sources.nouns, seed);
  const distractors = distractorNouns(sources.nouns);
  const build = (split: Split, deck: PhotoDeck): Sample[] => {
    const random = new Random(seed, 'samples', split);
    const size = sizes[split];
    const times = <T>(count: number, make: (i: number) => T) =>
      Array.from({ length: count }, (_, i) => make(i));
    const entries = random.shuffle(answers[split]);
    const clothed = random.shuffle(entries.map((_, i) => i < clothingDistractorFloor * entries.length));
    return [
      ...times(size.imageHeavy, (i) => imageHeavy(split, i, deck, random)),
      ...times(size.textHeavy, (i) =>
        textHeavy(split, i, entries[i] as NounEntry, distractors, clothed[i] as boolean, random),
      ),
      ...times(size.vqa, (i) => vqa(split, i, deck, random)),
    ];
  };
  const test = build(Split.Test, testDeck);
  const heldout = build(Split.Heldout, testDeck);
  const train = build(Split.Train, new PhotoDeck(sources.train, 'train', seed, seen));
  return { train, test, heldout };
}
