import { padBatch, resizeBilinear, type Sequence, type TokenBatch, wordsOf } from '../../models/index.ts';
import { Corpus, type CorpusSample } from './corpus.ts';
import { gridPixels } from './grid.ts';
import { type Photos, photo } from './idx.ts';
import type { NounEntry } from './nouns.ts';
import { itemQuestion, letters } from './words.ts';

/** What a sample trains, for the accuracies that are printed. */
export type Skill = 'image' | 'hinted' | 'text' | 'vqa' | 'word';
export const skills: readonly Skill[] = ['image', 'hinted', 'text', 'vqa', 'word'];

export interface DecoderBatch {
  tokens: TokenBatch;
  /** Token ids of the answers, one a row. */
  answers: number[];
  skills: Skill[];
  /** Rows that show an image, and the images in the same order: [n, 1, side, side]. */
  imageRows: number[];
  pixels: Float32Array;
}

export interface EncoderBatch {
  /** Photos, then as many grids: [2 * size, 1, side, side]. */
  pixels: Float32Array;
  /** One class a photo. */
  labels: number[];
  /** Four classes a grid. */
  gridLabels: number[];
}

/** Rows are filled up to one of these lengths: each is a program of its own. */
const lengths = [56, 64, 80, 96, 128, 192, 256, 320];

/** Pixels as the model's preprocessor makes them. */
export interface PixelScale {
  side: number;
  mean: number;
  std: number;
}

/** The corpus as tensors. Every batch is a pure function of the seed and the step. */
export class PretrainData {
  private readonly corpus: Corpus;
  private readonly photos: Photos;
  private readonly ids: Map<string, number>;
  private readonly imageSlots: number;
  private readonly scale: PixelScale;

  constructor(
    photos: Photos,
    nouns: readonly NounEntry[],
    words: readonly string[],
    options: { seed: number; imageSlots: number; scale: PixelScale },
  ) {
    this.corpus = new Corpus({ labels: photos.labels, nouns }, options.seed);
    this.photos = photos;
    this.ids = new Map(words.map((word, id) => [word, id]));
    this.imageSlots = options.imageSlots;
    this.scale = options.scale;
  }

  encoder(step: number, size: number): EncoderBatch {
    const { photos, labels, grids, gridLabels } = this.corpus.encoderBatch(step, size);
    const images = [...photos.map((index) => [index]), ...grids];
    return { pixels: this.pixels(images), labels, gridLabels: gridLabels.flat() };
  }

  decoder(step: number, size: number): DecoderBatch {
    const samples = this.corpus.batch(step, size);
    const sequences = samples.map((sample) => this.sequence(sample));
    const longest = Math.max(...sequences.map((sequence) => sequence.ids.length));
    const length = lengths.find((one) => one >= longest) ?? longest;
    const imageRows = samples.flatMap((sample, row) => (sample.image ? [row] : []));
    return {
      tokens: padBatch(sequences, this.id('<pad>'), length),
      answers: samples.map((sample) => this.id(sample.answer)),
      skills: samples.map(skillOf),
      imageRows,
      pixels: this.pixels(
        imageRows.map((row) => samples[row]?.image as number[]),
        imageRows.map((row) => samples[row]?.clarity as number),
      ),
    };
  }

  private id(word: string): number {
    const id = this.ids.get(word);
    if (id === undefined) throw new Error(`the vocabulary lacks '${word}'`);
    return id;
  }

  private sequence({ prompt, image }: CorpusSample): Sequence {
    const slots = image ? this.imageSlots : 0;
    const text = wordsOf(prompt).map((word) => this.id(word));
    const ids = new Int32Array(slots + text.length).fill(this.id('<image>'), 0, slots);
    ids.set(text, slots);
    return { ids, imageSlots: slots, letters: [] };
  }

  /** `clarity`: contrast by image around the photos' mean; by default all of it. */
  private pixels(images: readonly (readonly number[])[], clarity?: readonly number[]): Float32Array {
    const { side, mean, std } = this.scale;
    const result = new Float32Array(images.length * side * side);
    for (const [i, indices] of images.entries()) {
      const grid = indices.length === 4;
      const bytes = grid ? gridPixels(this.photos, indices) : photo(this.photos, indices[0] as number);
      const size = grid ? 2 * this.photos.size : this.photos.size;
      const grey = resizeBilinear(Float32Array.from(bytes), size, size, side, side);
      for (let p = 0; p < grey.length; p++) {
        result[i * grey.length + p] = (clarity?.[i] ?? 1) * (((grey[p] as number) / 255 - mean) / std);
      }
    }
    return result;
  }
}

function skillOf({ answer, hinted, image, prompt }: CorpusSample): Skill {
  if (!letters.includes(answer)) return 'word';
  if (hinted) return 'hinted';
  if (image?.length === 4) return 'vqa';
  return prompt.includes(` ${itemQuestion} `) ? 'image' : 'text';
}
