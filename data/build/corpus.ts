import {
  catalogueList,
  catalogueTexts,
  randomFacts,
  randomHint,
  templateWords,
} from '../../diagnosis/perturbations/index.ts';
import { renderForMini } from '../../models/index.ts';
import { Random } from '../../random/index.ts';
import { templatesOf } from '../../schemas/scenario.ts';
import type { NounEntry } from './nouns.ts';
import {
  clothingDistractorShare,
  clothingShare,
  heldOutFactShare,
  illustrationShare,
  type Stage,
  stageOf,
  statementShare,
} from './stages.ts';
import { vocabulary, words as wordsOf } from './vocabulary.ts';
import {
  type Beside,
  captionStarts,
  categories,
  categoryQuestion,
  clothing,
  clothingCategory,
  cornerQuestion,
  factStart,
  itemQuestion,
  letters,
  questionPrompt,
} from './words.ts';

/** `image`: indices of the photos shown: none, one, or the four of a 2x2 grid (row by row). `answer` is one token. */
export interface CorpusSample {
  prompt: string;
  image: null | [number] | [number, number, number, number];
  answer: string;
  /** Whether something stands beside the question that names the answer. */
  hinted: boolean;
  /** Contrast of the image: 1 as it is, 0 none. */
  clarity: number;
}

export interface CorpusSources {
  /** Class of every photo that may be shown. */
  labels: Uint8Array;
  nouns: readonly NounEntry[];
}

/** `count` different values of `draw`. */
function distinct<T>(count: number, taken: readonly T[], draw: () => T): T[] {
  const result: T[] = [];
  while (result.length < count) {
    const value = draw();
    if (!taken.includes(value) && !result.includes(value)) result.push(value);
  }
  return result;
}

/** Puts the answer at a random place among the distractors. */
export function arrange(
  random: Random,
  right: string,
  wrong: readonly string[],
): { options: string[]; answer: number } {
  const options = random.shuffle([right, ...wrong]);
  return { options, answer: options.indexOf(right) };
}

/** Distractors of an item question: `first` (the other classes shown) as far as they go, then any class. */
export function itemDistractors(random: Random, right: string, first: readonly string[]): string[] {
  const shown = random.shuffle([...new Set(first)].filter((name) => name !== right)).slice(0, 3);
  return [...shown, ...distinct(3 - shown.length, [right, ...shown], () => random.pick(clothing))];
}

/**
 * Distractors of a category question. Each is a clothing word with `clothingDistractorShare` unless clothing is
 * the category, else a noun of another category.
 */
export function categoryDistractors(random: Random, category: string, nouns: readonly NounEntry[]): string[] {
  return distinct(3, [], () => {
    if (category !== clothingCategory && random.uniform() < clothingDistractorShare)
      return random.pick(clothing);
    for (;;) {
      const entry = random.pick(nouns);
      if (entry.category !== category) return entry.noun;
    }
  });
}

/** Marks of which a text may be made. */
const marks = ['.', ',', '-', '/'];

/** The vocabulary without what the model is to meet nowhere (rare words, held-out nouns), and without special tokens. */
function knownWords(nouns: readonly NounEntry[]): string[] {
  const rareTexts = templatesOf(catalogueList('rare'));
  const wordsIn = (texts: readonly string[]) =>
    new Set(texts.flatMap((text) => templateWords(renderForMini(text))));
  const rare = wordsIn(rareTexts);
  const met = wordsIn(catalogueTexts().filter((text) => !rareTexts.includes(text)));
  const heldOut = new Set(nouns.filter((entry) => entry.heldOut).map((entry) => entry.noun));
  return vocabulary(nouns).filter(
    (word) => /^\w+$/.test(word) && !heldOut.has(word) && (met.has(word) || !rare.has(word)),
  );
}

/** The corpus of the pre-training: every batch is a pure function of (sources, seed, step, size). */
export class Corpus {
  private readonly seed: number;
  private readonly labels: Uint8Array;
  private readonly byClass: number[][];
  private readonly asked: NounEntry[];
  private readonly askedByCategory: Map<string, NounEntry[]>;
  private readonly heldOut: NounEntry[];
  /** Words that may stand at random places of a text. */
  private readonly known: string[];

  constructor(sources: CorpusSources, seed: number) {
    this.seed = seed;
    this.labels = sources.labels;
    this.byClass = clothing.map(() => []);
    sources.labels.forEach((label, index) => {
      this.byClass[label]?.push(index);
    });
    this.asked = sources.nouns.filter((entry) => !entry.heldOut);
    this.heldOut = sources.nouns.filter((entry) => entry.heldOut);
    this.known = knownWords(sources.nouns);
    this.askedByCategory = new Map(
      Object.keys(categories).map((category) => [
        category,
        this.asked.filter((e) => e.category === category),
      ]),
    );
  }

  /** Samples of training step `step`. */
  batch(step: number, size: number): CorpusSample[] {
    const random = new Random(this.seed, 'corpus', step);
    const stage = stageOf(step, random);
    return Array.from({ length: size }, () => this.sample(random, stage));
  }

  /** `size` single photos with their class and `size` grids with the classes of their four photos. */
  encoderBatch(
    step: number,
    size: number,
  ): { photos: number[]; labels: number[]; grids: number[][]; gridLabels: number[][] } {
    const random = new Random(this.seed, 'encoder', step);
    const draw = () => random.int(this.labels.length);
    const photos = Array.from({ length: size }, draw);
    const grids = Array.from({ length: size }, () => Array.from({ length: 4 }, draw));
    const label = (index: number) => this.labels[index] as number;
    return { photos, labels: photos.map(label), grids, gridLabels: grids.map((grid) => grid.map(label)) };
  }

  private sample(random: Random, stage: Stage): CorpusSample {
    const { shares } = stage;
    let u = random.uniform();
    u -= shares.imageHeavy;
    if (u < 0) return this.imageHeavy(random, stage);
    u -= shares.textHeavy;
    if (u < 0) return this.textHeavy(random, stage);
    u -= shares.vqa;
    if (u < 0) return this.vqa(random, stage);
    u -= shares.caption;
    return u < 0 ? this.caption(random) : this.fact(random);
  }

  private name(photo: number): string {
    return clothing[this.labels[photo] as number] as string;
  }

  private imageHeavy(random: Random, stage: Stage): CorpusSample {
    const photo = random.int(this.labels.length);
    const right = this.name(photo);
    const hinted = random.uniform() < stage.hintShare;
    const faded = stage.fadedShare > 0 && hinted && random.uniform() < stage.fadedShare;
    const texts = hinted ? [randomHint(random, right)] : [];
    if (random.uniform() < statementShare) {
      for (let left = hinted ? 1 : 1 + random.int(2); left > 0; left--) texts.push(this.statement(random));
    }
    const { options, answer } = arrange(random, right, itemDistractors(random, right, []));
    return {
      prompt: questionPrompt(itemQuestion, options, this.beside(random, texts, stage)),
      image: [photo],
      answer: letters[answer] as string,
      hinted,
      clarity: faded ? random.uniform() ** 2 : 1,
    };
  }

  /** The texts and up to `most` words without meaning, each in a place of its own. */
  private beside(random: Random, texts: readonly string[], { most, places: at }: Stage): Beside {
    const parts: Record<keyof Beside, string[]> = { before: [], inside: [], after: [] };
    const place = () => {
      const u = random.uniform();
      return u < at.before ? 'before' : u < at.before + at.inside ? 'inside' : 'after';
    };
    for (const text of texts) parts[place()].push(renderForMini(text));
    if (most > 0) {
      const beside = parts[place()];
      beside.splice(random.int(beside.length + 1), 0, this.filler(random, most));
    }
    return { before: parts.before.join(' '), inside: parts.inside.join(' '), after: parts.after.join(' ') };
  }

  /** From a third of `most` words to all of them: sentences, words at random, or marks. */
  private filler(random: Random, most: number): string {
    const count = Math.ceil(most / 3) + random.int(most - Math.ceil(most / 3) + 1);
    const kind = random.uniform();
    const mark = random.pick(marks);
    const result: string[] = [];
    while (result.length < count) {
      if (kind < 0.6) result.push(...wordsOf(renderForMini(this.statement(random))));
      else if (kind < 0.9) result.push(random.pick(this.known));
      else result.push(mark);
    }
    return result.slice(0, count).join(' ');
  }

  /** A sentence that says nothing about what is asked. */
  private statement(random: Random): string {
    const kind = random.int(3);
    if (kind === 0) return randomFacts(random, 1);
    if (kind === 1) return random.pick(templatesOf(catalogueList('neutral')));
    const entry = random.pick(this.asked);
    return `${entry.noun} is a ${entry.category}.`;
  }

  private textHeavy(random: Random, stage: Stage): CorpusSample {
    const aboutClothing = random.uniform() < clothingShare;
    const category = aboutClothing ? clothingCategory : random.pick(Object.keys(categories));
    let right: string;
    let image: CorpusSample['image'] = null;
    if (aboutClothing) {
      const label = random.int(clothing.length);
      right = clothing[label] as string;
      if (random.uniform() < illustrationShare) image = [random.pick(this.byClass[label] as number[])];
    } else {
      right = random.pick(this.askedByCategory.get(category) as NounEntry[]).noun;
    }
    const { options, answer } = arrange(random, right, categoryDistractors(random, category, this.asked));
    return {
      prompt: questionPrompt(categoryQuestion(category), options, this.beside(random, [], stage)),
      image,
      answer: letters[answer] as string,
      hinted: false,
      clarity: 1,
    };
  }

  private vqa(random: Random, stage: Stage): CorpusSample {
    const photos = Array.from({ length: 4 }, () => random.int(this.labels.length)) as [
      number,
      number,
      number,
      number,
    ];
    const corner = random.int(4);
    const right = this.name(photos[corner] as number);
    const wrong = itemDistractors(
      random,
      right,
      photos.map((photo) => this.name(photo)),
    );
    const { options, answer } = arrange(random, right, wrong);
    return {
      prompt: questionPrompt(cornerQuestion(corner), options, this.beside(random, [], stage)),
      image: photos,
      answer: letters[answer] as string,
      hinted: false,
      clarity: 1,
    };
  }

  private caption(random: Random): CorpusSample {
    const photo = random.int(this.labels.length);
    return {
      prompt: random.pick(captionStarts),
      image: [photo],
      answer: this.name(photo),
      hinted: false,
      clarity: 1,
    };
  }

  private fact(random: Random): CorpusSample {
    const entry = random.pick(random.uniform() < heldOutFactShare ? this.heldOut : this.asked);
    return { prompt: factStart(entry.noun), image: null, answer: entry.category, hinted: false, clarity: 1 };
  }
}

const opened = new WeakMap<CorpusSources, Map<number, Corpus>>();

/** Batch `step` of the corpus with this seed; the same arguments always give the same samples. */
export function corpusBatch(
  sources: CorpusSources,
  seed: number,
  step: number,
  size: number,
): CorpusSample[] {
  const bySeed = opened.get(sources) ?? new Map<number, Corpus>();
  opened.set(sources, bySeed);
  const corpus = bySeed.get(seed) ?? new Corpus(sources, seed);
  bySeed.set(seed, corpus);
  return corpus.batch(step, size);
}
