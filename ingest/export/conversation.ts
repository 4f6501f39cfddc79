import { type EncodedImage, labelOf, optionLetters, type PerturbedSample } from '../../schemas/benchmark.ts';

/** One sample as a trainer sees it: a user's turn, the answer, and the picture. */
export interface Exchange {
  id: string;
  user: string;
  assistant: string;
  image: EncodedImage | null;
  perturbation: string;
}

/** Where the picture stands in a user's turn, as LLaVA and LLaMA-Factory mark it. */
const imageMark = '<image>';

/** The data's own text must not hold the mark: trainers count one for each picture. */
const withoutMarks = (text: string) => text.replaceAll(imageMark, '< image >');

/**
 * The exchange of a sample: `prompt` writes the question with its options, and the answer is the right option's letter.
 * @throws GuardError BadInput for a sample without an answer
 */
export function exchangeOf(sample: PerturbedSample, prompt: (sample: PerturbedSample) => string): Exchange {
  const { id, image, perturbation } = sample;
  const text = withoutMarks(prompt(sample));
  return {
    id: perturbation === 'origin' ? id : `${id} ${perturbation}`,
    user: image ? `${imageMark}\n${text}` : text,
    assistant: optionLetters.charAt(labelOf(sample)),
    image,
    perturbation,
  };
}
