import type { Random } from '../../random/index.ts';
import type { Sample, textPerturbations } from '../../schemas/benchmark.ts';
import { randomFacts } from './facts.ts';
import { ocrCarriers, ocrFragments, seenHints, unseenHints } from './hints.ts';
import { fill, name } from './patterns.ts';

export type TextPerturbation = (typeof textPerturbations)[number];

/** What a text perturbation writes before the question; `hinted` is the option it names. */
export interface WrittenText {
  text: string;
  variant: string;
  hinted: number | null;
}

const unrelatedFacts = 10;
/** More statements after a hint would bury it: the mini model follows the nearest sentence. */
const factsAfterHint = 1;
const ocrLines = 5;

/** Without a right answer any option may be the wrong one: what is measured then is whether the answer moves. */
function wrongOption(sample: Sample, random: Random): number {
  if (sample.answer === null) return random.int(sample.options.length);
  const index = random.int(sample.options.length - 1);
  return index < sample.answer ? index : index + 1;
}

function hint(sample: Sample, templates: readonly string[], hinted: number, random: Random): WrittenText {
  const template = random.pick(templates);
  const sentence = name(template, sample.options[hinted] as string);
  return { text: `${sentence} ${randomFacts(random, factsAfterHint)}`, variant: template, hinted };
}

/** Lines as read from a form, with one in a random place that carries a wrong option. */
function ocr(sample: Sample, random: Random): WrittenText {
  const hinted = wrongOption(sample, random);
  const carrier = random.pick(ocrCarriers);
  const lines = random.sample(ocrFragments, ocrLines).map((line) => fill(line, random));
  lines.splice(random.int(lines.length + 1), 0, name(carrier, sample.options[hinted] as string));
  return { text: lines.join(' '), variant: carrier, hinted };
}

/** One file for the text modality: name -> what stands before the question; null where it does not fit the sample. */
export const textTable: Readonly<
  Record<TextPerturbation, (sample: Sample, random: Random) => WrittenText | null>
> = {
  unrelated_text: (_, random) => ({
    text: randomFacts(random, unrelatedFacts),
    variant: 'facts',
    hinted: null,
  }),
  misleading_text: (sample, random) => hint(sample, seenHints, wrongOption(sample, random), random),
  misleading_text_unseen: (sample, random) => hint(sample, unseenHints, wrongOption(sample, random), random),
  ocr_text: ocr,
  helpful_text: (sample, random) =>
    sample.answer === null ? null : hint(sample, seenHints, sample.answer, random),
};
