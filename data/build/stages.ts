import type { Random } from '../../random/index.ts';
import type { Beside } from './words.ts';

/** What is drawn at a step. */
export interface Stage {
  shares: Record<keyof typeof mix, number>;
  hintShare: number;
  fadedShare: number;
  places: Record<keyof Beside, number>;
  /** Most words without meaning beside a question. */
  most: number;
}

/** Shares of the kinds of sample; they add up to 1. */
export const mix = { imageHeavy: 0.33, textHeavy: 0.25, vqa: 0.34, caption: 0.03, fact: 0.05 } as const;
/** From this step on there is more to learn about grids than about anything else, and the shares say so. */
export const lateFrom = 3200;
export const lateMix = { imageHeavy: 0.2, textHeavy: 0.16, vqa: 0.58, caption: 0.02, fact: 0.04 } as const;
/**
 * From this step on most pictures of one item have a text beside them that names it, and half of those pictures are washed out, as
 * thumbnails are: by then the photos alone are told apart so well that hardly anything would be learnt from texts.
 */
export const hintsFrom = 3600;
export const hintsMix = { imageHeavy: 0.45, textHeavy: 0.15, vqa: 0.32, caption: 0.03, fact: 0.05 } as const;
export const fadedShare = 0.5;
/** Share of image-heavy samples that come with a hint, at first and from `hintsFrom` on. */
export const hintShare = 0.6;
export const lateHintShare = 0.75;
/** Share of image-heavy samples, with a hint or without, that have unrelated statements beside them as web pages do. */
export const statementShare = 0.2;
/** Where text stands beside a question, by share. */
export const places: Readonly<Record<keyof Beside, number>> = { before: 0.6, inside: 0.2, after: 0.2 };
export const latePlaces: typeof places = { before: 0.4, inside: 0.3, after: 0.3 };
/** From this step on texts of any length stand beside questions: words by share of the steps. Attention over long texts is learnt late. */
export const longFrom = 4400;
export const longTexts: readonly { share: number; words: number }[] = [
  { share: 0.2, words: 48 },
  { share: 0.12, words: 110 },
  { share: 0.08, words: 200 },
];
/** Share of text-heavy questions whose answer is clothing, and of those the share that a photo illustrates. */
export const clothingShare = 0.3;
export const illustrationShare = 0.9;
/** Share of a text-heavy question's distractors that are clothing words. */
export const clothingDistractorShare = 0.35;
/** Share of statements about held-out nouns, which stand nowhere else. */
export const heldOutFactShare = 0.4;

/** Most words without meaning beside the questions of a step. */
function mostWords(random: Random): number {
  let u = random.uniform();
  for (const { share, words } of longTexts) {
    u -= share;
    if (u < 0) return words;
  }
  return 0;
}

/** What is drawn at a step; `random` is the step's own. */
export function stageOf(step: number, random: Random): Stage {
  const hints = step >= hintsFrom;
  return {
    shares: hints ? hintsMix : step < lateFrom ? mix : lateMix,
    hintShare: hints ? lateHintShare : hintShare,
    fadedShare: hints ? fadedShare : 0,
    places: hints ? latePlaces : places,
    most: step < longFrom ? 0 : mostWords(random),
  };
}
