import { randomFacts } from '../../diagnosis/perturbations/index.ts';
import { Random } from '../../random/index.ts';
import type { NounEntry } from './nouns.ts';
import {
  captionHints,
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
}

/** Shares of the kinds of sample; they add up to 1. */
export const mix = { imageHeavy: 0.33, textHeavy: 0.25, vqa: 0.34, caption: 0.03, fact: 0.05 } as const;
/** From this step on there is more to learn about grids than about anything else, and the shares say so. */
export const lateFrom = 3200;
export const lateMix = { imageHeavy: 0.2, textHeavy: 0.16, vqa: 0.58, caption: 0.02, fact: 0.04 } as const;
/** Share of image-heavy samples that come with a hint. */
export const hintShare = 0.6;
/** Share of image-heavy samples, with a hint or without, that have unrelated statements beside them as web pages do. */
export const statementShare = 0.2;
/** Share of text-heavy questions whose answer is clothing, and of those the share that a photo illustrates. */
export const clothingShare = 0.3;
export const illustrationShare = 0.9;
/** Share of a text-heavy question's distractors that are clothing words. */
export const clothingDistractorShare = 0.35;
/** Share of statements about held-out nouns, which stand nowhere else. */
export const heldOutFactShare = 0.4;

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

/** The corpus of the pre-training: every batch is a pure function of (sources, seed, step, size). */
export class Corpus {
  private readonly seed: number;
  private readonly labels: Uint8Array;
  private readonly byClass: number[][];
  private readonly asked: NounEntry[];
  private readonly askedByCategory: Map<string, NounEntry[]>;
  private readonly heldOut: NounEntry[];

  constructor(sources: CorpusSources, seed: number) {
    this.seed = seed;
    this.labels = sources.labels;
    this.byClass = clothing.map(() => []);
    sources.labels.forEach((label, index) => {
      this.byClass[label]?.push(index);
    });
    this.asked = sources.nouns.filter((entry) => !entry.heldOut);
    this.heldOut = sources.nouns.filter((entry) => entry.heldOut);
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
    const shares = step < lateFrom ? mix : lateMix;
    return Array.from({ length: size }, () => this.sample(random, shares));
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

  private sample(random: Random, shares: Record<keyof typeof mix, number>): CorpusSample {
    let u = random.uniform();
    u -= shares.imageHeavy;
    if (u < 0) return this.imageHeavy(random);
    u -= shares.textHeavy;
    if (u < 0) return this.textHeavy(random);
    u -= shares.vqa;
    if (u < 0) return this.vqa(random);
    u -= shares.caption;
    return u < 0 ? this.caption(random) : this.fact(random);
  }

  private name(photo: number): string {
    return clothing[this.labels[photo] as number] as string;
  }

  private imageHeavy(random: Random): CorpusSample {
    const photo = random.int(this.labels.length);
    const right = this.name(photo);
    const context = this.webText(random, right);
    const { options, answer } = arrange(random, right, itemDistractors(random, right, []));
    return {
      prompt: questionPrompt(itemQuestion, options, context),
      image: [photo],
      answer: letters[answer] as string,
    };
  }

  /** What stands beside a picture of `right`: a hint, a few statements about other things, both or nothing. */
  private webText(random: Random, right: string): string | null {
    const hinted = random.uniform() < hintShare;
    const hint = hinted ? random.pick(captionHints).replaceAll('{}', right) : null;
    if (random.uniform() >= statementShare) return hint;
    const statements = Array.from({ length: hinted ? 1 : 1 + random.int(3) }, () => this.statement(random));
    return [hint, ...statements].filter((text) => text !== null).join(' ');
  }

  private statement(random: Random): string {
    if (random.int(2) === 0) return randomFacts(random, 1);
    const entry = random.pick(this.asked);
    return `${entry.noun} is a ${entry.category} .`;
  }

  private textHeavy(random: Random): CorpusSample {
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
      prompt: questionPrompt(categoryQuestion(category), options, null),
      image,
      answer: letters[answer] as string,
    };
  }

  private vqa(random: Random): CorpusSample {
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
      prompt: questionPrompt(cornerQuestion(corner), options, null),
      image: photos,
      answer: letters[answer] as string,
    };
  }

  private caption(random: Random): CorpusSample {
    const photo = random.int(this.labels.length);
    return { prompt: random.pick(captionStarts), image: [photo], answer: this.name(photo) };
  }

  private fact(random: Random): CorpusSample {
    const entry = random.pick(random.uniform() < heldOutFactShare ? this.heldOut : this.asked);
    return { prompt: factStart(entry.noun), image: null, answer: entry.category };
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
